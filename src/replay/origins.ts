/**
 * Under which start the beginning of a fork's history was recorded.
 *
 * - ORIGIN-1: a fork replays the events of its original with what they were recorded with: run id,
 *   seed, clock and attempt. From the delivery of the last of them on, the code has those of the
 *   fork itself. So the code recomputes each recorded id and value, and nothing that it computes
 *   after that point can equal what the original computes.
 * - ORIGIN-2: a fork of a fork has a list, in the order of the events. No later generation has one.
 *
 * @module
 */

/** What code can derive values from: ids of children, random values, times. */
export interface Identity {
  /** The run's id. */
  readonly runId: string;
  /** The seed of `random()` and `uuid()`. */
  readonly seed: string;
  /** Database time of the start, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The number of the run's attempt; 1 when omitted. */
  readonly attempt?: number;
}

/** The start under which a part of a history was recorded. */
export interface OriginStart extends Identity {
  /** The seq after the last delivery that was recorded under it. */
  readonly until: number;
  /**
   * Positions of children that were requested before that delivery and that a later run of the list
   * has started anew, each with that run's place in the list: their ids derive from its start.
   */
  readonly restarts?: readonly (readonly [position: number, start: number])[];
}

/** The longest list of starts. */
export const MAX_ORIGINS = 8;

/** Where a fork comes from. */
export interface Origin {
  /** The id of the run whose history it begins with. */
  readonly runId: string;
  /** The generation of that run. */
  readonly generation: number;
  /** How many events of that generation come before the point of the fork. */
  readonly events: number;
  /** ORIGIN-2: the starts under which the fork's first events were recorded. */
  readonly starts: readonly OriginStart[];
}

/** Writes an origin as a run's row keeps it. */
export function originText(origin: Origin): string {
  return JSON.stringify(origin);
}

/** Reads what {@linkcode originText} has written; `null`: the run is no fork. */
export function readOrigin(text: string | null | undefined): Origin | null {
  return text === null || text === undefined ? null : JSON.parse(text) as Origin;
}

/** Whether a value is what {@linkcode originText} writes. */
export function isOriginText(text: unknown): boolean {
  if (typeof text !== "string") return false;
  try {
    const { runId, generation, events, starts } = JSON.parse(text) as Partial<Origin>;
    return typeof runId === "string" && Number.isInteger(generation) && Number.isInteger(events) &&
      Array.isArray(starts) && starts.length <= MAX_ORIGINS && starts.every(isStart);
  } catch {
    return false;
  }
}

function isStart(start: unknown): boolean {
  if (typeof start !== "object" || start === null) return false;
  const { runId, seed, startedAt, attempt = 1, until, restarts = [] } = start as Partial<
    OriginStart
  >;
  return typeof runId === "string" && typeof seed === "string" && Number.isInteger(startedAt) &&
    Number.isInteger(attempt) && Number.isInteger(until) && Array.isArray(restarts) &&
    restarts.every((pair) => Array.isArray(pair) && pair.every(Number.isInteger));
}

/** The identity that the code of one execution has at present (ORIGIN-1). */
export class Identities {
  readonly #starts: readonly (Identity & Partial<OriginStart>)[];
  #index = 0;

  /**
   * @param starts The starts before the run's own.
   * @param own The run's own start.
   */
  constructor(starts: readonly OriginStart[], own: Identity) {
    this.#starts = [...starts, own];
  }

  /** The present identity. */
  get current(): Identity {
    return this.#starts[this.#index]!;
  }

  /**
   * The identity from which the id of a child derives.
   *
   * @param position The child's place in program order.
   */
  ofChild(position: number): Identity {
    const current = this.#starts[this.#index]!;
    const restart = current.restarts?.find(([restarted]) => restarted === position);
    return restart === undefined ? current : this.#starts[restart[1]] ?? this.#starts.at(-1)!;
  }

  /**
   * Moves on after a delivery.
   *
   * @param next The seq after the delivery.
   * @returns Whether the identity has changed.
   */
  advance(next: number): boolean {
    const before = this.#index;
    while (next >= (this.#starts[this.#index]!.until ?? Infinity)) this.#index++;
    return this.#index > before;
  }
}
