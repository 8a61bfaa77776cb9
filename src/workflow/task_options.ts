/**
 * Options of activities that say where they wait for a node, and how long.
 *
 * @module
 */

import { checkKeys, checkText, refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { type Duration, durationMs } from "../base/duration.ts";

/** The longest name of a queue and the longest idempotency key, in characters. */
export const MAX_TASK_TEXT = 255;

/**
 * Where an activity waits for a node.
 *
 * @category Activities
 */
export interface QueueOptions {
  /** Its queue: 1 to 255 characters. `"default"` by default, which every node serves. */
  readonly queue?: string;
  /** Higher goes first in its queue: a whole number under 2^31, also negative. 0 by default. */
  readonly priority?: number;
}

/**
 * How long an activity may take; what is left out is unbounded.
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
 * How long an activity may take beside its attempts; what is left out is unbounded.
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
 * Reads the name of a queue.
 *
 * @param queue What was passed.
 * @param what What it belongs to, for errors.
 * @returns The name; null for none.
 * @throws {InvalidArgumentError} If it is no text of 1 to 255 characters.
 */
export function readQueue(queue: unknown, what: string): string | null {
  return queue === undefined ? null : checkText(queue, `queue of ${what}`, MAX_TASK_TEXT);
}

/**
 * Reads an idempotency key.
 *
 * @param key What was passed, or made.
 * @param what What it belongs to, for errors.
 * @returns The key; null for none.
 * @throws {InvalidArgumentError} If it is neither null nor a text of 1 to 255 characters.
 */
export function readKey(key: unknown, what: string): string | null {
  return key === undefined || key === null
    ? null
    : checkText(key, `idempotencyKey of ${what}`, MAX_TASK_TEXT);
}

/**
 * Reads a priority.
 *
 * @param priority What was passed.
 * @param what What it belongs to, for errors.
 * @returns The priority; null for none.
 * @throws {InvalidArgumentError} If it is no whole number that a database keeps.
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
 * Reads `timeout` and `timeouts`.
 *
 * @param options What was passed.
 * @param what What they belong to, for errors.
 * @returns Milliseconds; what was left out is left out, but for `startToClose`.
 * @throws {InvalidArgumentError} If one is no duration from 1 millisecond, or said twice.
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
 * Reads a limit of time.
 *
 * @param given What was passed.
 * @param what What it is, for errors.
 * @returns Whole milliseconds.
 * @throws {InvalidArgumentError} If it is no duration from 1 millisecond.
 */
export function readLimit(given: Duration, what: string): number {
  const ms = durationMs(given, what);
  if (ms >= 1) return ms;
  return refuse(what, inWords(`${ms} ms`), "1 ms or more");
}
