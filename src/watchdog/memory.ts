/**
 * What the main thread and the thread that watches it share.
 *
 * @module
 */

/** Bytes of the shared memory: whole numbers first, then others from byte 8 on. */
export const MEMORY_BYTES = 24;
/** Places of whole numbers: how many turns have begun or ended, and deliveries within this one. */
export const WORDS = { turns: 0, deliveries: 1 } as const;
/** Places of other numbers: the run whose turn it is, and its token. */
export const NUMBERS = { run: 0, token: 1 } as const;

/** What the thread is told when it begins. */
export interface WatchdogOrder {
  /** What the main thread writes. */
  readonly memory: SharedArrayBuffer;
  /** The database's URL. */
  readonly database: string;
  /** The schema. */
  readonly schema: string;
  /** Milliseconds after which a turn counts as hung. */
  readonly hungMs: number;
  /** Milliseconds after which, still in the same turn, the process counts as lost. */
  readonly lostMs: number;
}

/**
 * The numbers in shared memory.
 *
 * @param memory The memory.
 * @returns Views of it.
 */
export function viewsOf(
  memory: SharedArrayBuffer,
): { readonly words: Int32Array; readonly numbers: Float64Array } {
  return { words: new Int32Array(memory, 0, 2), numbers: new Float64Array(memory, 8, 2) };
}
