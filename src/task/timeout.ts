/**
 * How long an attempt may take.
 *
 * @module
 */

import { TimeoutError, type TimeoutKind } from "../base/errors.ts";

/** How long a call may take, and what says so. */
export interface CallLimit {
  /** What it is called. */
  readonly timeout: TimeoutKind;
  /** Milliseconds of it, as they were asked for. */
  readonly timeoutMs: number;
  /** Milliseconds that are left of it. */
  readonly leftMs: number;
}

const OVERDUE: Readonly<Record<TimeoutKind, string>> = {
  startToClose: "took longer than",
  heartbeat: "sent no heartbeat for",
  scheduleToClose: "did not end, with all attempts before it, within",
  scheduleToStart: "was begun by no node within",
};

/**
 * The error of an attempt whose time is over.
 *
 * @param what What is attempted: `activity "charge"`.
 * @param attempt Which attempt it is, from 1.
 * @param timeout Which limit it ran into.
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
