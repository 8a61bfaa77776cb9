/**
 * How long a run may take, and whether it is tried again: read once, and kept with the run as JSON.
 *
 * @module
 */

import type { RetryPolicy } from "../base/backoff.ts";
import type { Duration } from "../base/duration.ts";
import { readRetry, type RetryOptions } from "./options.ts";
import { readLimit } from "./task_options.ts";

/**
 * How long a run may take, and whether it is tried again.
 *
 * @category Runs
 */
export interface RunPolicyOptions {
  /**
   * How long the run may take, from when it was due to start: all attempts, generations and rests
   * together. Then everything that it waits for throws `CancelledError`, as when it is cancelled,
   * and it ends with a `TimeoutError` unless its code does something else about it. Unbounded by
   * default.
   */
  readonly timeout?: Duration;
  /**
   * When and how often to try again after the function has thrown: from its start, with the same
   * input, on the same version, as the next generation of the run. Not after a cancellation or a
   * timeout. `nonRetryable` looks at what was thrown and at its causes. Never by default.
   */
  readonly retry?: RetryOptions;
}

/** How long a run may take, and whether it is tried again, decided. */
export interface RunPolicy {
  /** Milliseconds from when it was due to start. */
  readonly timeout?: number;
  /** When and how often to try again. */
  readonly retry?: RetryPolicy;
}

/** The names of {@linkcode RunPolicyOptions}. */
export const POLICY_KEYS: readonly string[] = ["timeout", "retry"];

/**
 * Reads a policy.
 *
 * @param options What was passed; other keys are not looked at.
 * @param what What it belongs to, for errors.
 * @returns What was said.
 * @throws {InvalidArgumentError} If a value makes no sense.
 */
export function readRunPolicy({ timeout, retry }: RunPolicyOptions, what: string): RunPolicy {
  return {
    ...(timeout === undefined ? {} : { timeout: readLimit(timeout, `timeout of ${what}`) }),
    ...(retry === undefined ? {} : { retry: readRetry(retry, what) }),
  };
}

/**
 * A policy as it is kept.
 *
 * @param policies What is said; later ones go before earlier ones.
 * @returns A JSON object, whose `maxAttempts` is null where there is no limit; null: nothing is
 * said.
 */
export function policyText(...policies: readonly RunPolicy[]): string | null {
  const policy = Object.assign({}, ...policies) as RunPolicy;
  return Object.keys(policy).length === 0 ? null : JSON.stringify(policy);
}

/**
 * Reads a policy that was kept.
 *
 * @param text What {@linkcode policyText} gave.
 * @returns The policy; {} for null.
 */
export function policyOf(text: string | null): RunPolicy {
  if (text === null) return {};
  const { retry, ...policy } = JSON.parse(text) as RunPolicy;
  if (retry === undefined) return policy;
  return { ...policy, retry: { ...retry, maxAttempts: retry.maxAttempts ?? Infinity } };
}
