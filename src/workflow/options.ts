/**
 * Options that activities, steps and runs share: the retry policy, and the effect of a
 * cancellation.
 *
 * @module
 */

import {
  checkArray,
  checkChoice,
  checkFunction,
  checkKeys,
  refuse,
  refuseUnless,
} from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { DEFAULT_RETRY, type RetryPolicy, type RetryPredicate } from "../base/backoff.ts";
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
  /** Whether delays grow by `factor` or stay the same. `"exponential"` by default. */
  readonly backoff?: "exponential" | "constant";
  /** By how much each delay is longer than the one before: 1 or more. 2 by default. */
  readonly factor?: number;
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
 * A retry policy that stands in code: of a definition, a step or a transaction.
 *
 * @category Activities
 */
export interface CodeRetryOptions extends RetryOptions {
  /**
   * Called with what an attempt threw and the attempt's number, in the process that made the
   * attempt; `false`: no other attempt follows. The other fields must allow another attempt too. If
   * it throws, or returns something else, the engine logs that and decides without it. It is not
   * called for attempts that ended without their process, or that were failed from outside.
   */
  readonly retryIf?: RetryPredicate;
}

const RETRY_KEYS = [...Object.keys(DEFAULT_RETRY), "retryIf"];

/**
 * Completes a retry policy that stands in code.
 *
 * @param retry What the caller passed.
 * @param what The owner of the option, for errors.
 * @returns The policy, with defaults filled in.
 * @throws {InvalidArgumentError} If a field is invalid.
 */
export function readCodeRetry(retry: CodeRetryOptions, what: string): RetryPolicy {
  checkKeys(retry, RETRY_KEYS, `retry of ${what}`);
  const { retryIf } = retry;
  if (retryIf !== undefined) checkFunction(retryIf, `retry.retryIf of ${what}`);
  return { ...completed(retry, what), ...(retryIf === undefined ? {} : { retryIf }) };
}

/**
 * Completes a retry policy that is stored.
 *
 * @param retry What the caller passed.
 * @param what The owner of the option, for errors.
 * @returns The policy, with defaults filled in.
 * @throws {InvalidArgumentError} If a field is invalid, or is a function.
 */
export function readRetry(retry: RetryOptions, what: string): RetryPolicy {
  checkKeys(retry, RETRY_KEYS, `retry of ${what}`);
  const { retryIf } = retry as CodeRetryOptions;
  if (retryIf !== undefined) {
    const wanted = "no function here, which can't be stored: put it into the definition";
    refuse(`retry.retryIf of ${what}`, retryIf, wanted);
  }
  return completed(retry, what);
}

function completed(retry: RetryOptions, what: string): RetryPolicy {
  const initial = retry.initial === undefined
    ? DEFAULT_RETRY.initial
    : durationMs(retry.initial, `retry.initial of ${what}`);
  const policy: RetryPolicy = {
    maxAttempts: retry.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
    backoff: retry.backoff ?? DEFAULT_RETRY.backoff,
    factor: retry.factor ?? (retry.backoff === "constant" ? 1 : DEFAULT_RETRY.factor),
    initial,
    max: retry.max === undefined
      ? Math.max(initial, DEFAULT_RETRY.max)
      : durationMs(retry.max, `retry.max of ${what}`),
    jitter: retry.jitter ?? DEFAULT_RETRY.jitter,
    nonRetryable: readNonRetryable(retry.nonRetryable ?? DEFAULT_RETRY.nonRetryable, what),
  };
  const { maxAttempts, backoff, factor, jitter } = policy;
  refuseUnless(
    Number.isInteger(maxAttempts) && maxAttempts >= 1 || maxAttempts === Infinity,
    `retry.maxAttempts of ${what}`,
    maxAttempts,
    "a whole number from 1, or Infinity",
  );
  checkChoice(backoff, `retry.backoff of ${what}`, ["exponential", "constant"]);
  refuseUnless(
    Number.isFinite(factor) && factor >= 1 && (factor === 1 || backoff !== "constant"),
    `retry.factor of ${what}`,
    factor,
    backoff === "constant" ? '1, as backoff "constant" says' : "a number from 1",
  );
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
 * @throws {InvalidArgumentError} If it is none of `"wait"`, `"abandon"` and `"finish"`.
 */
export function readOnCancel(onCancel: unknown, what: string): OnCancel | null {
  if (onCancel === null || onCancel === "wait" || onCancel === "abandon") return onCancel;
  return checkChoice(onCancel, `onCancel of ${what}`, ["wait", "abandon", "finish"] as const);
}

/** What a cancellation of the run does to an activity. */
type OnCancel = "wait" | "abandon" | "finish";
