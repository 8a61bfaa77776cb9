/**
 * Waits of callers, with a timeout and an abort signal.
 *
 * @module
 */

import { quoteId, shownId } from "../../base/describe.ts";
import { checkAbortSignal, checkOptions } from "../../base/arguments.ts";
import { type Clock, waitFor } from "../../base/clock.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { TimeoutError } from "../../base/errors.ts";

/**
 * Options of {@linkcode RunHandle.result} and {@linkcode RunHandle.reached}.
 *
 * @category Runs
 */
export interface ResultOptions {
  /** How long to wait; for ever when omitted. The run itself continues. */
  readonly timeout?: Duration;
  /** Aborts the wait; the run itself continues. */
  readonly signal?: AbortSignal;
}

/** Describes a wait, for errors. */
export interface Waited {
  /** The run. */
  readonly runId: string;
  /** The call, such as `result()`. */
  readonly call: string;
  /** What did not happen in time, such as `has not ended`. */
  readonly missing: string;
}

/**
 * Waits until the result, the timeout or the abort of the caller's signal.
 *
 * @param options The caller's options.
 * @param waited Describes the wait, for errors.
 * @param clock Times the wait.
 * @param wait Waits, and rejects with the signal's reason when the signal aborts.
 * @returns The result of `wait`.
 * @throws {InvalidArgumentError} If an option is invalid.
 * @throws {TimeoutError} If the wait takes longer than the timeout.
 */
export async function withinDeadline<T>(
  options: ResultOptions,
  { runId, call, missing }: Waited,
  clock: Clock,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  checkOptions(options, ["timeout", "signal"], call);
  checkAbortSignal(options.signal, call);
  const { signal } = options;
  const timeout = options.timeout === undefined
    ? undefined
    : durationMs(options.timeout, `option timeout of ${call}`);
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  if (signal?.aborted === true) abort();
  signal?.addEventListener("abort", abort);
  const late = () => {
    const message = `Run ${quoteId(runId)} ${missing} within ${timeout} ms`;
    controller.abort(new TimeoutError(message, { runId: shownId(runId), timeout }));
  };
  const timer = timeout === undefined ? undefined : waitFor(clock, timeout, late);
  try {
    return await wait(controller.signal);
  } finally {
    timer?.cancel();
    signal?.removeEventListener("abort", abort);
  }
}
