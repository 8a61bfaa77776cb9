/**
 * Options that activities, steps and runs share: the retry policy, and the effect of a
 * cancellation.
 *
 * @module
 */

import { checkArray, checkChoice, checkKeys, refuseUnless } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "../base/backoff.ts";
import { type Duration, durationMs } from "../base/duration.ts";
import { isStorable } from "../base/text.ts";

/**
 * A retry policy. Fields that are omitted have the values of `DEFAULT_RETRY`.
 *
 * @category Activities
 */
export interface RetryOptions {
  /** The most attempts, the first included: 1 or more. 5 by default. */
  readonly maxAttempts?: number;
  /** Whether delays double or stay the same. `"exponential"` by default. */
  readonly backoff?: "exponential" | "constant";
  /** The delay before the second attempt. 1 second by default. */
  readonly initial?: Duration;
  /** The longest delay. 1 minute by default, or `initial` where that is longer. */
  readonly max?: Duration;
  /** The random fraction of a delay, from 0 to 1, which only shortens the delay. 0.2 by default. */
  readonly jitter?: number;
  /**
   * Codes, names and class names of errors that are not retried. None by default.
   * `NonRetryableError` is never retried and need not be listed.
   */
  readonly nonRetryable?: readonly string[];
}

/**
 * Completes a retry policy.
 *
 * @param retry What the caller passed.
 * @param what The owner of the option, for errors.
 * @returns The policy, with defaults filled in.
 * @throws {InvalidArgumentError} If a field is invalid.
 */
export function readRetry(retry: RetryOptions, what: string): RetryPolicy {
  checkKeys(retry, Object.keys(DEFAULT_RETRY), `retry of ${what}`);
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
    nonRetryable: readNonRetryable(retry.nonRetryable ?? DEFAULT_RETRY.nonRetryable, what),
  };
  const { maxAttempts, backoff, jitter } = policy;
  refuseUnless(
    Number.isInteger(maxAttempts) && maxAttempts >= 1 || maxAttempts === Infinity,
    `retry.maxAttempts of ${what}`,
    maxAttempts,
    "a whole number from 1, or Infinity",
  );
  checkChoice(backoff, `retry.backoff of ${what}`, ["exponential", "constant"]);
  refuseUnless(
    typeof jitter === "number" && jitter >= 0 && jitter <= 1,
    `retry.jitter of ${what}`,
    jitter,
    "a number from 0 to 1",
  );
  refuseUnless(
    policy.max >= initial,
    `retry.max of ${what}`,
    inWords(`${policy.max} ms`),
    `${initial} ms or more, as retry.initial says`,
  );
  return policy;
}

function readNonRetryable(words: unknown, what: string): readonly string[] {
  const isWord = (word: unknown) => typeof word === "string" && isStorable(word);
  checkArray(
    words,
    `retry.nonRetryable of ${what}`,
    "an array of error codes and names",
    isWord,
  );
  return [...words] as string[];
}

/**
 * Checks the option `onCancel` of an activity.
 *
 * @param onCancel What the caller passed; null for nothing.
 * @param what The owner of the option, for errors.
 * @returns It.
 * @throws {InvalidArgumentError} If it is neither `"wait"` nor `"abandon"`.
 */
export function readOnCancel(onCancel: unknown, what: string): "wait" | "abandon" | null {
  if (onCancel === null || onCancel === "wait" || onCancel === "abandon") return onCancel;
  return checkChoice(onCancel, `onCancel of ${what}`, ["wait", "abandon"] as const);
}
