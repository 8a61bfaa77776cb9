/**
 * Waits of callers: how long, and until when they change their mind.
 *
 * @module
 */

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
  /** Ends the wait; the run itself continues. */
  readonly signal?: AbortSignal;
}

/** What is waited for, for errors. */
export interface Waited {
  /** The run. */
  readonly runId: string;
  /** The call, such as `result()`. */
  readonly call: string;
  /** What has not come about in time, such as `has not ended`. */
  readonly missing: string;
}

/**
 * Waits for as long as the caller wants to.
 *
 * @param options What the caller passed.
 * @param waited What for.
 * @param clock Times the wait.
 * @param wait Waits, and gives up with the signal's reason.
 * @returns What `wait` comes to.
 * @throws {InvalidArgumentError} If an option is invalid.
 * @throws {TimeoutError} If it takes too long.
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
    const message = `Run ${JSON.stringify(runId)} ${missing} within ${timeout} ms`;
    controller.abort(new TimeoutError(message, { runId, timeout }));
  };
  const timer = timeout === undefined ? undefined : waitFor(clock, timeout, late);
  try {
    return await wait(controller.signal);
  } finally {
    timer?.cancel();
    signal?.removeEventListener("abort", abort);
  }
}
