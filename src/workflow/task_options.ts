/**
 * Options of activities for their queue and their time limits.
 *
 * @module
 */

import { checkKeys, checkText, refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { type Duration, durationMs } from "../base/duration.ts";

/** The longest name of a queue and the longest idempotency key, in characters. */
export const MAX_TASK_TEXT = 255;

/**
 * The queue of an activity.
 *
 * @category Activities
 */
export interface QueueOptions {
  /** Its queue: 1 to 255 characters. `"default"` by default, which every node serves. */
  readonly queue?: string;
  /**
   * Activities of higher priority go first in their queue: a whole number under 2^31, also
   * negative. 0 by default.
   */
  readonly priority?: number;
}

/**
 * The time limits of an activity; unlimited when omitted.
 *
 * @category Activities
 */
export interface TimeoutOptions {
  /** One attempt. The same as `timeout`. */
  readonly startToClose?: Duration;
  /** The wait in the queue before an attempt begins. After that the activity fails for good. */
  readonly scheduleToStart?: Duration;
  /** All attempts and the waits between them. After that the activity fails for good. */
  readonly scheduleToClose?: Duration;
  /** The silence between two heartbeats of an attempt. After that the attempt has failed. */
  readonly heartbeat?: Duration;
}

/**
 * The time limits of an activity other than that of one attempt; unlimited when omitted.
 *
 * @category Activities
 */
export interface ActivityTimeouts {
  /** Milliseconds in the queue. */
  readonly scheduleToStart?: number;
  /** Milliseconds for everything. */
  readonly scheduleToClose?: number;
  /** Milliseconds between two heartbeats. */
  readonly heartbeat?: number;
}

/**
 * Checks the name of a queue.
 *
 * @param queue What the caller passed.
 * @param what The owner of the option, for errors.
 * @returns The name; null for none.
 * @throws {InvalidArgumentError} If it is not a text of 1 to 255 characters.
 */
export function readQueue(queue: unknown, what: string): string | null {
  return queue === undefined ? null : checkText(queue, `queue of ${what}`, MAX_TASK_TEXT);
}

/**
 * Checks an idempotency key.
 *
 * @param key What was passed, or made.
 * @param what The owner of the option, for errors.
 * @returns The key; null for none.
 * @throws {InvalidArgumentError} If it is neither null nor a text of 1 to 255 characters.
 */
export function readKey(key: unknown, what: string): string | null {
  return key === undefined || key === null
    ? null
    : checkText(key, `idempotencyKey of ${what}`, MAX_TASK_TEXT);
}

/**
 * Checks a priority.
 *
 * @param priority What the caller passed.
 * @param what The owner of the option, for errors.
 * @returns The priority; null for none.
 * @throws {InvalidArgumentError} If it is not a whole number under 2^31.
 */
export function readPriority(priority: unknown, what: string): number | null {
  if (priority === undefined) return null;
  if (Number.isInteger(priority) && Math.abs(priority as number) < 2 ** 31) {
    return priority as number;
  }
  return refuse(`priority of ${what}`, priority, "a whole number under 2^31");
}

const TIMEOUTS = ["startToClose", "scheduleToStart", "scheduleToClose", "heartbeat"] as const;

/**
 * Checks `timeout` and `timeouts`.
 *
 * @param options What the caller passed.
 * @param what The owner of the options, for errors.
 * @returns The limits in milliseconds. Omitted ones are absent, except `startToClose`.
 * @throws {InvalidArgumentError} If a limit is not a duration of at least 1 millisecond, or is
 * given twice.
 */
export function readTimeouts(
  options: { readonly timeout?: Duration; readonly timeouts?: TimeoutOptions },
  what: string,
): ActivityTimeouts & { readonly startToClose: number | null } {
  const { timeout, timeouts = {} } = options;
  checkKeys(timeouts, TIMEOUTS, `timeouts of ${what}`);
  if (timeout !== undefined && timeouts.startToClose !== undefined) {
    refuse(
      `the options of ${what}`,
      inWords("timeout and timeouts.startToClose"),
      "one of them, since they mean the same",
    );
  }
  const read: { -readonly [Key in typeof TIMEOUTS[number]]?: number } = {};
  for (const key of TIMEOUTS) {
    const given = timeouts[key];
    if (given !== undefined) read[key] = readLimit(given, `timeouts.${key} of ${what}`);
  }
  const { startToClose = null, ...rest } = read;
  return {
    ...rest,
    startToClose: timeout === undefined ? startToClose : readLimit(timeout, `timeout of ${what}`),
  };
}

/**
 * Checks a time limit.
 *
 * @param given What the caller passed.
 * @param what What it is, for errors.
 * @returns Whole milliseconds.
 * @throws {InvalidArgumentError} If it is not a duration of at least 1 millisecond.
 */
export function readLimit(given: Duration, what: string): number {
  const ms = durationMs(given, what);
  if (ms >= 1) return ms;
  return refuse(what, inWords(`${ms} ms`), "1 ms or more");
}
