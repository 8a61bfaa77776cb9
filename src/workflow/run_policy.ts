/**
 * The terms of a start: the timeout, the retry policy and the headers of a run. They are checked
 * once, and stored with the run as JSON.
 *
 * @module
 */

import { checkChoice } from "../base/arguments.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "../base/backoff.ts";
import type { Duration } from "../base/duration.ts";
import { NO_HEADERS, readHeaders, type RunHeaders } from "./headers.ts";
import { readRetry, type RetryOptions } from "./options.ts";
import { readLimit } from "./task_options.ts";

/**
 * The timeout and the retry policy of a run.
 *
 * @category Runs
 */
export interface RunPolicyOptions {
  /**
   * How long the run may take from the time at which it was due to start, with all attempts,
   * generations and pauses together. When the time is over, everything that the run waits for
   * throws `CancelledError`, as in a cancellation, and the run ends with a `TimeoutError` unless
   * its code handles it otherwise. Unlimited by default.
   */
  readonly timeout?: Duration;
  /**
   * How to retry the run after its function has thrown. A retry starts the function again, with the
   * same input and version, as the next generation of the run. The run is not retried after a
   * cancellation or a timeout. `nonRetryable` applies to the error and to its causes. No retries by
   * default.
   */
  readonly retry?: RetryOptions;
  /**
   * Which version the run executes. `"pinned"`, the default: the version that it started on, until an
   * operator moves it. `"auto"`: whenever the run is taken up, it is offered the current version of
   * its workflow, and takes it if its whole history replays there. Otherwise it continues on its own
   * version, and that version is not offered to it again by the same process.
   */
  readonly versioning?: Versioning;
}

/**
 * The terms of a start, which a run keeps for life.
 *
 * @category Runs
 */
export interface RunTermsOptions extends RunPolicyOptions {
  /**
   * Texts that travel with the run: its code reads them as `ctx.headers`, steps and activities as
   * `attempt.headers`, and its children begin with them. At most 8,192 characters, names included.
   * Like attributes they are stored as plain text, also if there is a payload codec.
   */
  readonly headers?: RunHeaders;
}

/**
 * Whether a run stays on its version, or takes the current one whenever its history replays there.
 *
 * @category Runs
 */
export type Versioning = "pinned" | "auto";

/** The checked terms of a start. */
export interface RunPolicy {
  /** Its headers; none when omitted. */
  readonly headers?: RunHeaders;
  /** The timeout, in milliseconds from the time at which the run was due to start. */
  readonly timeout?: number;
  /** The retry policy. */
  readonly retry?: RetryPolicy;
  /** Which version the run executes; `pinned` when omitted. */
  readonly versioning?: Versioning;
  /** The id of the parent of a child, if the child's own id does not say it. */
  readonly parent?: string;
}

/** The names of {@linkcode RunPolicyOptions}. */
export const POLICY_KEYS: readonly string[] = ["timeout", "retry", "versioning"];

/** The names of {@linkcode RunTermsOptions}. */
export const TERMS_KEYS: readonly string[] = [...POLICY_KEYS, "headers"];

/**
 * Checks a policy.
 *
 * @param options What the caller passed; other keys are ignored.
 * @param what The owner of the options, for errors.
 * @returns The policy.
 * @throws {InvalidArgumentError} If a value is invalid.
 */
export function readRunPolicy(
  { timeout, retry, versioning, headers }: RunTermsOptions,
  what: string,
): RunPolicy {
  return {
    ...(headers === undefined ? {} : { headers: readHeaders(headers, what) }),
    ...(versioning === undefined ? {} : { versioning: readVersioning(versioning, what) }),
    ...(timeout === undefined ? {} : { timeout: readLimit(timeout, `timeout of ${what}`) }),
    ...(retry === undefined ? {} : { retry: readRetry(retry, what) }),
  };
}

/**
 * Checks the option `versioning`.
 *
 * @param versioning What the caller passed.
 * @param what The owner of the option, for errors.
 * @returns It.
 * @throws {InvalidArgumentError} If it is neither `"pinned"` nor `"auto"`.
 */
export function readVersioning(versioning: unknown, what: string): Versioning {
  return checkChoice(versioning, `option versioning of ${what}`, ["pinned", "auto"]);
}

/**
 * Encodes policies for storage.
 *
 * @param policies The policies; later ones override earlier ones.
 * @returns A JSON object, whose `maxAttempts` is null if there is no limit; null if all policies
 * are empty.
 */
export function policyText(...policies: readonly RunPolicy[]): string | null {
  const policy = Object.assign({}, ...policies) as RunPolicy;
  return Object.keys(policy).length === 0 ? null : JSON.stringify(policy);
}

/**
 * Returns the headers of a run.
 *
 * @param text The result of {@linkcode policyText}.
 */
export function headersOf(text: string | null | undefined): RunHeaders {
  return text === null || text === undefined ? NO_HEADERS : policyOf(text).headers ?? NO_HEADERS;
}

/**
 * Decodes a stored policy.
 *
 * @param text The result of {@linkcode policyText}.
 * @returns The policy; {} for null.
 */
export function policyOf(text: string | null): RunPolicy {
  if (text === null) return {};
  const { retry, ...policy } = JSON.parse(text) as RunPolicy;
  if (retry === undefined) return policy;
  const { maxAttempts } = retry;
  return { ...policy, retry: { ...DEFAULT_RETRY, ...retry, maxAttempts: maxAttempts ?? Infinity } };
}
