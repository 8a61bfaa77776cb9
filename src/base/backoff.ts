/**
 * When to retry: pure arithmetic over an attempt, a policy and a random number.
 *
 * @module
 */

import { isContinuumError } from "./errors.ts";
import { delayAsked } from "./retry_after.ts";
import { classNameOf } from "./values_errors.ts";

/**
 * Decides whether another attempt may follow one that failed.
 *
 * @category Activities
 */
export type RetryPredicate = (error: unknown, attempt: number) => boolean;

/**
 * When and how often to retry, without optional fields.
 *
 * @category Activities
 */
export interface RetryPolicy {
  /** How many attempts there are, the first included; at least 1. */
  readonly maxAttempts: number;
  /** Whether delays grow by the factor, or stay the same. */
  readonly backoff: "exponential" | "constant";
  /** By how much a delay is longer than the one before; 1 or more. */
  readonly factor: number;
  /** The delay before the second attempt, in milliseconds. */
  readonly initial: number;
  /** The longest delay, in milliseconds. */
  readonly max: number;
  /** Which part of a delay is random, from 0 to 1. */
  readonly jitter: number;
  /** Error codes, names and names of classes after which there is no other attempt. */
  readonly nonRetryable: readonly string[];
  /** Decides too, in the process that made the attempt; it is not stored. */
  readonly retryIf?: RetryPredicate;
}

/** The default: five attempts, with delays of about 1, 2, 4 and 8 seconds. */
export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 5,
  backoff: "exponential",
  factor: 2,
  initial: 1_000,
  max: 60_000,
  jitter: 0.2,
  nonRetryable: [],
};

/**
 * The delay after a failed attempt. Jitter only shortens a delay, so none is longer than the
 * maximum, and delays at the maximum still spread.
 *
 * @param attempt The attempt that failed, from 1.
 * @param policy The policy.
 * @param random A number from 0 (included) to 1 (excluded).
 * @returns Whole milliseconds.
 */
export function backoffDelay(attempt: number, policy: RetryPolicy, random: number): number {
  const growth = policy.backoff === "constant" ? 1 : policy.factor ** (attempt - 1);
  const full = policy.initial === 0 ? 0 : Math.min(policy.max, policy.initial * growth);
  return Math.round(full * (1 - policy.jitter * random));
}

/**
 * Decides whether a failed attempt of a step, an activity or a run is retried, and after which
 * delay.
 *
 * @param attempt The attempt that failed, from 1.
 * @param policy The policy.
 * @param errors What it threw, and other errors that the policy must allow too.
 * @param random A number from 0 (included) to 1 (excluded).
 * @param times The database time of the failure, and the milliseconds until no attempt may begin
 * any more; without the latter there is no limit.
 * @returns Whole milliseconds; `null`: no other attempt follows.
 */
export function retryDelay(
  attempt: number,
  policy: RetryPolicy,
  errors: readonly unknown[],
  random: number,
  { now, leftMs = Infinity }: { readonly now: number; readonly leftMs?: number },
): number | null {
  if (!errors.every((error) => shouldRetry(attempt, policy, error))) return null;
  if (policy.retryIf?.(errors[0], attempt) === false) return null;
  const delayMs = delayAsked(errors, now) ?? backoffDelay(attempt, policy, random);
  return delayMs < leftMs ? delayMs : null;
}

/**
 * Whether a policy allows an attempt after one that failed.
 *
 * @param attempt The attempt that failed, from 1.
 * @param policy The policy.
 * @param error What it threw.
 * @returns Whether to retry.
 */
export function shouldRetry(attempt: number, policy: RetryPolicy, error: unknown): boolean {
  if (attempt >= policy.maxAttempts || isFinal(error)) return false;
  if (policy.nonRetryable.length === 0 || typeof error !== "object" || error === null) return true;
  const words: unknown[] = [classNameOf(error)];
  try {
    const { code, name } = error as { code?: unknown; name?: unknown };
    words.push(code, name);
  } catch {
    // a getter that throws names nothing
  }
  return !policy.nonRetryable.some((word) => words.includes(word));
}

/**
 * Codes of errors that a retry would only repeat: the user's code said so, or it misused this
 * package, which is a mistake in that code.
 */
const FINAL: ReadonlySet<string> = new Set([
  "NON_RETRYABLE",
  "CONTEXT_MISUSED",
  "INVALID_ARGUMENT",
  "NOT_SERIALIZABLE",
  "PAYLOAD_TOO_LARGE",
  "NONDETERMINISTIC_CALL",
  "UNDECLARED_SIGNAL",
]);

/**
 * Whether an error is never retried, whatever the policy says.
 *
 * @param error What was thrown.
 * @returns Whether its code is one that a retry can't fix.
 */
export function isFinal(error: unknown): boolean {
  return isContinuumError(error) && FINAL.has(error.code);
}
