/**
 * The memory that the main thread shares with the thread that watches it.
 *
 * @module
 */

/** Bytes of the shared memory: two 32-bit integers, then from byte 8 on two doubles. */
export const MEMORY_BYTES = 24;
/** Indexes of the integers: turns begun plus turns ended, and deliveries within this turn. */
export const WORDS = { turns: 0, deliveries: 1 } as const;
/** Indexes of the doubles: the run whose turn it is, and its fencing token. */
export const NUMBERS = { run: 0, token: 1 } as const;

/** The first message to the watching thread. */
export interface WatchdogOrder {
  /** The memory that the main thread writes. */
  readonly memory: SharedArrayBuffer;
  /** The database's URL. */
  readonly database: string;
  /** The schema. */
  readonly schema: string;
  /** Milliseconds after which a turn counts as hung. */
  readonly hungMs: number;
  /** Milliseconds after which, if the same turn still runs, the process is ended. */
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
