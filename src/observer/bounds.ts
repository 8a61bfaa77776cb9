/**
 * How long an answer may take.
 *
 * - BOUNDS-1: whatever is read for an answer ends by a time. The database gives each statement up that
 *   takes longer than {@linkcode READ_MS} (BOUNDED-1 of `store/sql/bounded.ts`), a page is answered
 *   within {@linkcode ANSWER_MS}, and what waits for its turn to replay waits no longer than
 *   {@linkcode TURN_MS}. The body of a request has {@linkcode BODY_MS} to arrive. A deed has no such
 *   limit: one that is given up half-way would surprise its viewer more than one that takes long.
 *
 * @module
 */

import { ignoreRejection } from "../base/background.ts";
import { ObserverError } from "./errors.ts";

/** How long the database may look for one statement of an answer, in milliseconds. */
export const READ_MS = 2_000;

/** How long a page may take, with its replays, in milliseconds. */
export const ANSWER_MS = 30_000;

/** How long the body of a request may take to arrive, in milliseconds. */
export const BODY_MS = 30_000;

/** The code of what is late, as that of a statement which is. */
export const LATE = "QUERY_TIMEOUT" as const;

/** How long a replay waits for its turn, in milliseconds. */
export const TURN_MS = 10_000;

/**
 * Waits for something, but no longer than a time.
 *
 * @param ms The time, in milliseconds.
 * @param late Makes the error.
 * @param awaited What is waited for; it continues if it is late.
 * @returns Its result.
 * @throws {ObserverError} What `late` makes, if it is late.
 */
export async function waitFor<Result>(
  ms: number,
  late: () => ObserverError,
  awaited: Promise<Result>,
): Promise<Result> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  ignoreRejection(awaited);
  try {
    return await Promise.race([awaited, over]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The error of what is late (BOUNDS-1).
 *
 * @param ms How long it had, in milliseconds.
 * @param what What was to be done.
 * @returns The error, with code `QUERY_TIMEOUT`.
 */
export function tooLong(ms: number, what: string): ObserverError {
  return new ObserverError(LATE, `Cannot ${what} within ${ms} ms`, { ms });
}
