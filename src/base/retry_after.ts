/**
 * The error with which code says when it may be tried again.
 *
 * @module
 */

import { checkDate, checkText } from "./arguments.ts";
import { type Duration, durationMs } from "./duration.ts";
import { ContinuumError, isContinuumError } from "./errors.ts";

/**
 * A failure after which the next attempt begins at a given time, in place of the delay of `retry`.
 * It counts as an attempt. Steps, activities, transactions, compensations and runs heed it. Code
 * `RETRY_AFTER`.
 *
 * ```ts ignore
 * if (response.status === 429) throw new RetryAfterError("30s", "The API limits our calls");
 * ```
 *
 * @category Errors
 */
export class RetryAfterError extends ContinuumError<"RETRY_AFTER"> {
  /**
   * Makes the error.
   *
   * @param after How long to wait, or the time of the next attempt by the database's clock; at once
   * if that is past.
   * @param message What went wrong.
   * @param options The cause.
   * @throws {InvalidArgumentError} If `after` is neither, or the message is no text.
   */
  constructor(after: Duration | Date, message?: string, options: { cause?: unknown } = {}) {
    const what = "the time of a RetryAfterError";
    const details = after instanceof Date
      ? { afterMs: null, at: checkDate(after, what) }
      : { afterMs: durationMs(after, what), at: null };
    if (message !== undefined) checkText(message, "the message of a RetryAfterError", Infinity);
    const when = details.at === null
      ? `in ${details.afterMs} ms`
      : `at ${new Date(details.at).toISOString()}`;
    super("RETRY_AFTER", message ?? `The attempt failed, and wants the next one ${when}`, {
      details,
      ...options,
    });
  }
}

/**
 * Returns the delay that errors ask for: that of the first one that asks.
 *
 * @param errors What an attempt threw, and other errors behind it.
 * @param now Milliseconds of database time.
 * @returns Whole milliseconds, 0 or more; `null`: none of them asks.
 */
export function delayAsked(errors: readonly unknown[], now: number): number | null {
  for (const error of errors) {
    if (!isContinuumError(error, "RETRY_AFTER")) continue;
    const { afterMs, at } = error.details;
    if (typeof afterMs === "number" && afterMs >= 0) return Math.round(afterMs);
    if (typeof at === "number") return Math.max(0, Math.ceil(at - now));
  }
  return null;
}
