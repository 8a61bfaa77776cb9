/**
 * Reading what callers pass: names, retry policies, option objects. Whatever is wrong is said at
 * the call, with the value found.
 *
 * @module
 */

import { DEFAULT_RETRY, type RetryPolicy } from "../base/backoff.ts";
import { type Duration, durationMs } from "../base/duration.ts";
import { InvalidArgumentError } from "../base/errors.ts";
import { isStorable } from "../base/text.ts";

/** The longest name of a workflow, activity, step, signal or patch, in characters. */
export const MAX_NAME = 200;

/**
 * When and how often to try again. What is left out is as in `DEFAULT_RETRY`.
 *
 * @category Activities
 */
export interface RetryOptions {
  /** How many attempts there are, the first included: 1 or more. 5 by default. */
  readonly maxAttempts?: number;
  /** Whether delays double or stay the same. `"exponential"` by default. */
  readonly backoff?: "exponential" | "constant";
  /** The delay before the second attempt. 1 second by default. */
  readonly initial?: Duration;
  /** The longest delay. 1 minute by default, or `initial` where that is longer. */
  readonly max?: Duration;
  /** Which part of a delay is random, from 0 to 1; it only shortens. 0.2 by default. */
  readonly jitter?: number;
  /**
   * Codes, names and class names of errors after which there is no other attempt. None by default.
   * `NonRetryableError` says the same where it is thrown, and needs no word here.
   */
  readonly nonRetryable?: readonly string[];
}

/** Names that begin so are the engine's own, also those that later releases will give. */
export const RESERVED = "continuum:";

/**
 * Checks a name.
 *
 * @param name What was passed.
 * @param what What it names, such as `activity`.
 * @returns The name.
 * @throws {InvalidArgumentError} If it is no text of 1 to 200 characters, holds a NUL character or
 * a lone surrogate, or is reserved.
 */
export function readName(name: unknown, what: string): string {
  const fits = typeof name === "string" && name.length > 0 && name.length <= MAX_NAME;
  if (fits && isStorable(name) && !name.startsWith(RESERVED)) return name;
  const found = fits || typeof name !== "string"
    ? describe(name)
    : name === ""
    ? "an empty one"
    : `one of ${name.length} characters`;
  const wanted = fits && isStorable(name)
    ? `one that does not begin with ${JSON.stringify(RESERVED)}, which is reserved`
    : `1 to ${MAX_NAME} characters, without NUL and lone surrogates`;
  throw new InvalidArgumentError(
    `Cannot use a name for ${what}: found ${found}, wanted ${wanted}`,
    { what },
  );
}

/**
 * Checks the signal that gives something up.
 *
 * @param signal What was passed.
 * @param what What takes it, for errors.
 * @throws {InvalidArgumentError} If it is neither an `AbortSignal` nor left out.
 */
export function readAbortSignal(signal: unknown, what: string): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new InvalidArgumentError(
    `Cannot use option signal of ${what}: found ${describe(signal)}, wanted an AbortSignal`,
    { option: "signal" },
  );
}

/**
 * Checks an options object for unknown keys.
 *
 * @param options What was passed.
 * @param known The keys that there are.
 * @param what What takes the options, such as `defineWorkflow`.
 * @throws {InvalidArgumentError} If it is no object, or has another key.
 */
export function checkOptions(options: unknown, known: readonly string[], what: string): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(
      `Cannot read the options of ${what}: found ${describe(options)}, wanted an object`,
    );
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new InvalidArgumentError(
      `Cannot read the options of ${what}: found ${JSON.stringify(key)}, wanted ${
        known.join(", ")
      }`,
      { key },
    );
  }
}

/**
 * Checks that something is a function.
 *
 * @param value What was passed.
 * @param what What it is to be, such as `the function of activity "charge"`.
 * @throws {InvalidArgumentError} If it is not a function.
 */
export function checkFunction(value: unknown, what: string): void {
  if (typeof value === "function") return;
  throw new InvalidArgumentError(`Cannot use ${what}: found ${describe(value)}, wanted a function`);
}

/**
 * Completes a retry policy.
 *
 * @param retry What was passed.
 * @param what What it belongs to, for errors.
 * @returns The policy, with nothing left open.
 * @throws {InvalidArgumentError} If a field has a value that makes no sense.
 */
export function readRetry(retry: RetryOptions, what: string): RetryPolicy {
  checkOptions(retry, Object.keys(DEFAULT_RETRY), `retry of ${what}`);
  const initial = retry.initial === undefined
    ? DEFAULT_RETRY.initial
    : durationMs(retry.initial, `retry.initial of ${what}`);
  const policy: RetryPolicy = {
    maxAttempts: retry.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
    backoff: retry.backoff ?? DEFAULT_RETRY.backoff,
    initial,
    max: retry.max === undefined
      ? Math.max(initial, DEFAULT_RETRY.max)
      : durationMs(retry.max, `retry.max of ${what}`),
    jitter: retry.jitter ?? DEFAULT_RETRY.jitter,
    nonRetryable: readWords(retry.nonRetryable ?? DEFAULT_RETRY.nonRetryable),
  };
  const { maxAttempts, backoff, jitter } = policy;
  refuseUnless(
    Number.isInteger(maxAttempts) && maxAttempts >= 1 || maxAttempts === Infinity,
    "maxAttempts",
    maxAttempts,
    "a whole number from 1, or Infinity",
  );
  refuseUnless(
    backoff === "exponential" || backoff === "constant",
    "backoff",
    backoff,
    '"exponential" or "constant"',
  );
  refuseUnless(
    typeof jitter === "number" && jitter >= 0 && jitter <= 1,
    "jitter",
    jitter,
    "a number from 0 to 1",
  );
  refuseUnless(
    policy.max >= initial,
    "max",
    `${policy.max} ms`,
    `${initial} ms or more, as retry.initial says`,
  );
  return policy;

  function readWords(words: unknown): readonly string[] {
    const isGood = Array.isArray(words) &&
      words.every((word) => typeof word === "string" && isStorable(word));
    refuseUnless(isGood, "nonRetryable", words, "an array of error codes and names");
    return [...words as string[]];
  }

  function refuseUnless(good: boolean, key: string, found: unknown, wanted: string): void {
    if (good) return;
    throw new InvalidArgumentError(
      `Cannot use retry.${key} of ${what}: found ${describe(found)}, wanted ${wanted}`,
      { option: `retry.${key}` },
    );
  }
}

/**
 * Checks what a cancellation does to an activity.
 *
 * @param onCancel What was passed; null for nothing.
 * @param what What it belongs to, for errors.
 * @returns It.
 * @throws {InvalidArgumentError} If it is neither `"wait"` nor `"abandon"`.
 */
export function readOnCancel(onCancel: unknown, what: string): "wait" | "abandon" | null {
  if (onCancel === null || onCancel === "wait" || onCancel === "abandon") return onCancel;
  throw new InvalidArgumentError(
    `Cannot use onCancel of ${what}: found ${describe(onCancel)}, wanted "wait" or "abandon"`,
  );
}

/**
 * What a value looks like, for messages.
 *
 * @param value Anything.
 * @returns A few words.
 */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value === "object") return Array.isArray(value) ? "an array" : "an object";
  if (typeof value === "function") return "a function";
  return String(value);
}
