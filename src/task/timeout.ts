/**
 * Time limits of attempts.
 *
 * @module
 */

import { TimeoutError, type TimeoutKind } from "../base/errors.ts";

/** A time limit of a call. */
export interface CallLimit {
  /** Its name. */
  readonly timeout: TimeoutKind;
  /** The configured milliseconds. */
  readonly timeoutMs: number;
  /** The remaining milliseconds. */
  readonly leftMs: number;
}

const OVERDUE: Readonly<Record<TimeoutKind, string>> = {
  startToClose: "took longer than",
  heartbeat: "sent no heartbeat for",
  scheduleToClose: "did not end, with all attempts before it, within",
  scheduleToStart: "was begun by no node within",
};

/**
 * Creates the error of an attempt that exceeded a limit.
 *
 * @param what What is attempted: `activity "charge"`.
 * @param attempt Which attempt it is, from 1.
 * @param timeout The limit that it exceeded.
 * @param ms Milliseconds of the limit.
 * @returns The error.
 */
export function attemptTimeout(
  what: string,
  attempt: number,
  timeout: TimeoutKind,
  ms: number,
): TimeoutError {
  const timeoutMs = Math.round(ms);
  return new TimeoutError(`Attempt ${attempt} of ${what} ${OVERDUE[timeout]} ${timeoutMs} ms`, {
    attempt,
    timeout,
    timeoutMs,
  });
}
