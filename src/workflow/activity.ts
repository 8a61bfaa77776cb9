/**
 * Activities: functions with effects on the world, tried again until they succeed.
 *
 * @module
 */

import { checkFunction, checkOptions, readName, refuse } from "../base/arguments.ts";
import type { RetryPolicy } from "../base/backoff.ts";
import type { Duration } from "../base/duration.ts";
import type { ActivityAttempt } from "../replay/commands.ts";
import { ACTIVITY, PROTOCOL } from "./marks.ts";
import { readOnCancel, readRetry, type RetryOptions } from "./options.ts";
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
 * What {@linkcode defineActivity} takes.
 *
 * @category Activities
 */
export interface ActivityOptions extends QueueOptions {
  /** The activity's name: 1 to 200 characters. */
  readonly name: string;
  /** When and how often to try again; up to 5 attempts with growing delays by default. */
  readonly retry?: RetryOptions;
  /** How long one attempt may take; unbounded by default. The same as `timeouts.startToClose`. */
  readonly timeout?: Duration;
  /** How long an activity, its attempts and its waits may take; all unbounded by default. */
  readonly timeouts?: TimeoutOptions;
  /**
   * What a cancellation of the run does: `"wait"`, the default, aborts the attempt's signal and
   * waits for its answer (a success that still comes is delivered); `"abandon"` rejects at once.
   */
  readonly onCancel?: "wait" | "abandon";
  /**
   * Makes the idempotency key, which holds across runs: it receives the activity's
   * input. The first result that is committed under a key answers every later call of this name in
   * the namespace, without an attempt. `null`: no key for this input.
   */
  // deno-lint-ignore no-explicit-any -- TypeScript reads this before the function that gives it
  readonly idempotencyKey?: (input: any) => string | null;
}

/**
 * An activity, as {@linkcode defineActivity} returns it.
 *
 * @category Activities
 */
export interface ActivityDefinition<Input = unknown, Output = unknown> {
  /** Recognises a definition; holds the protocol's number. */
  readonly [ACTIVITY]: 1;
  /** The activity's name. */
  readonly name: string;
  /** When and how often to try again; null for the engine's default. */
  readonly retry: RetryPolicy | null;
  /** Milliseconds that one attempt may take; null for no limit. */
  readonly timeout: number | null;
  /** Milliseconds of the other limits. */
  readonly timeouts: ActivityTimeouts;
  /** Where it waits for a node; null for the default queue. */
  readonly queue: string | null;
  /** Higher goes first in its queue; null for 0. */
  readonly priority: number | null;
  /** What a cancellation of the run does; null for `"wait"`. */
  readonly onCancel: "wait" | "abandon" | null;
  /** Makes the idempotency key; null for the engine's own. */
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
 * @param options Its name, and how it is tried.
 * @param execute Runs one attempt; gets the input and the attempt's own facts.
 * @returns The definition, frozen.
 * @throws {InvalidArgumentError} If an option is unknown or makes no sense.
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
    retry: options.retry === undefined ? null : readRetry(options.retry, what),
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
 * Reads which activity is meant.
 *
 * @param activity What was passed: a name, or a definition.
 * @param call What takes it, for errors.
 * @returns Its name.
 * @throws {InvalidArgumentError} If it is neither.
 */
export function readActivity(activity: unknown, call: string): string {
  if (typeof activity === "string") return readName(activity, "an activity");
  if (isActivity(activity)) return activity.name;
  return refuse(`the activity of ${call}`, activity, "a name or what defineActivity returns");
}

/**
 * Whether a value is an activity's definition, from this copy of the package or another.
 *
 * @param value Anything.
 * @returns Whether it is.
 * @throws {InvalidArgumentError} If it is one of a protocol that this package does not speak.
 */
export function isActivity(value: unknown): value is ActivityDefinition {
  if (typeof value !== "object" || value === null || !(ACTIVITY in value)) return false;
  if (value[ACTIVITY] === PROTOCOL) return true;
  return refuse("an activity's definition of protocol", value[ACTIVITY], `${PROTOCOL}`);
}
