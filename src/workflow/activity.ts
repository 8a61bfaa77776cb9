/**
 * Defines activities: functions with side effects, which the engine retries until they succeed.
 *
 * @module
 */

import { checkFunction, checkOptions, readName, refuse } from "../base/arguments.ts";
import type { RetryPolicy } from "../base/backoff.ts";
import type { Duration } from "../base/duration.ts";
import type { ActivityAttempt } from "../replay/commands.ts";
import { ACTIVITY, PROTOCOL } from "./marks.ts";
import { type CodeRetryOptions, readCodeRetry, readOnCancel } from "./options.ts";
import {
  type ActivityTimeouts,
  type QueueOptions,
  readPriority,
  readQueue,
  readTimeouts,
  type TimeoutOptions,
} from "./task_options.ts";

const KEYS = [
  "name",
  "retry",
  "timeout",
  "timeouts",
  "queue",
  "priority",
  "onCancel",
  "idempotencyKey",
];

/**
 * Options of {@linkcode defineActivity}.
 *
 * @category Activities
 */
export interface ActivityOptions extends QueueOptions {
  /** The activity's name: 1 to 200 characters. */
  readonly name: string;
  /** The retry policy; by default up to 5 attempts with growing delays. */
  readonly retry?: CodeRetryOptions;
  /** The time limit of one attempt; unlimited by default. The same as `timeouts.startToClose`. */
  readonly timeout?: Duration;
  /** The time limits of the activity, its attempts and its waits; unlimited by default. */
  readonly timeouts?: TimeoutOptions;
  /**
   * What a cancellation of the run does to the activity. `"wait"`, the default, aborts the
   * attempt's signal and waits for the attempt; if it still succeeds, its result is delivered.
   * `"abandon"` rejects at once. `"finish"` does nothing: the activity continues, with its retries,
   * and the next effect throws.
   */
  readonly onCancel?: "wait" | "abandon" | "finish";
  /**
   * Returns the idempotency key for the activity's input. The key applies across runs: the first
   * result that is committed for a key answers every later call of this activity name in the
   * namespace, without an attempt. `null`: no key for this input.
   */
  // deno-lint-ignore no-explicit-any -- TypeScript reads this before the function that gives it
  readonly idempotencyKey?: (input: any) => string | null;
}

/**
 * An activity definition, from {@linkcode defineActivity}.
 *
 * @category Activities
 */
export interface ActivityDefinition<Input = unknown, Output = unknown> {
  /** Marks a definition; its value is the protocol's number. */
  readonly [ACTIVITY]: 1;
  /** The activity's name. */
  readonly name: string;
  /** The retry policy; null for the engine's default. */
  readonly retry: RetryPolicy | null;
  /** The time limit of one attempt in milliseconds; null for no limit. */
  readonly timeout: number | null;
  /** The other time limits, in milliseconds. */
  readonly timeouts: ActivityTimeouts;
  /** The queue; null for the default queue. */
  readonly queue: string | null;
  /** The priority in its queue; null for 0. */
  readonly priority: number | null;
  /** What a cancellation of the run does to it; null for `"wait"`. */
  readonly onCancel: "wait" | "abandon" | "finish" | null;
  /** Returns the idempotency key; null for the engine's default key. */
  readonly idempotencyKey: ((input: Input) => string | null) | null;
  /** Runs one attempt. */
  readonly execute: (input: Input, activity: ActivityAttempt) => Output | Promise<Output>;
}

/**
 * Defines an activity. Import it in a workflow and pass it to `ctx.activity`: its code is then
 * pinned with the workflow's version.
 *
 * ```ts
 * export const charge = defineActivity(
 *   { name: "charge", retry: { maxAttempts: 5 }, timeout: "30s" },
 *   async (order: Order, activity) => await payments.charge(order, { signal: activity.signal }),
 * ); ```
 *
 * @param options Its name, its retry policy and its other options.
 * @param execute Runs one attempt; receives the input and the context of the attempt.
 * @returns The definition, frozen.
 * @throws {InvalidArgumentError} If an option is unknown or invalid.
 * @category Activities
 */
export function defineActivity<Input = void, Output = unknown>(
  options: ActivityOptions,
  execute: (input: Input, activity: ActivityAttempt) => Output | Promise<Output>,
): ActivityDefinition<Input, Output> {
  checkOptions(options, KEYS, "defineActivity");
  const name = readName(options.name, "an activity");
  const what = `activity ${JSON.stringify(name)}`;
  checkFunction(execute, `the function of ${what}`);
  if (options.idempotencyKey !== undefined) {
    checkFunction(options.idempotencyKey, `idempotencyKey of ${what}`);
  }
  const { startToClose, ...timeouts } = readTimeouts(options, what);
  return Object.freeze({
    [ACTIVITY]: PROTOCOL,
    name,
    retry: options.retry === undefined ? null : readCodeRetry(options.retry, what),
    timeout: startToClose,
    timeouts,
    queue: readQueue(options.queue, what),
    priority: readPriority(options.priority, what),
    onCancel: readOnCancel(options.onCancel ?? null, what),
    idempotencyKey: options.idempotencyKey ?? null,
    execute,
  });
}

/**
 * Returns the name of an activity that is given by name or by definition.
 *
 * @param activity A name or a definition.
 * @param call The call, for errors.
 * @returns Its name.
 * @throws {InvalidArgumentError} If it is neither.
 */
export function readActivity(activity: unknown, call: string): string {
  if (typeof activity === "string") return readName(activity, "an activity");
  if (isActivity(activity)) return activity.name;
  return refuse(`the activity of ${call}`, activity, "a name or what defineActivity returns");
}

/**
 * Returns whether a value is an activity's definition, from this copy of the package or another.
 *
 * @param value Any value.
 * @returns Whether it is.
 * @throws {InvalidArgumentError} If it is a definition with another protocol number.
 */
export function isActivity(value: unknown): value is ActivityDefinition {
  if (typeof value !== "object" || value === null || !(ACTIVITY in value)) return false;
  if (value[ACTIVITY] === PROTOCOL) return true;
  return refuse("an activity's definition of protocol", value[ACTIVITY], `${PROTOCOL}`);
}
