/**
 * How far one call of a change of many runs goes.
 *
 * @module
 */

import { checkAbortSignal, checkWhole } from "../../base/arguments.ts";
import { type Duration, durationMs } from "../../base/duration.ts";

/**
 * How far one call of an act on many runs goes.
 *
 * @category Runs
 */
export interface BulkWorkOptions {
  /** Stop after this many runs that refuse the act; never when omitted. */
  readonly stopAfterFailures?: number;
  /**
   * How long to return to runs that another transaction had locked.
   *
   * @default {"10s"}
   */
  readonly patience?: Duration;
  /**
   * Stop after this time, at the end of a batch, of which one is done at least; never when omitted.
   * `runs.continueJob()` does what is left, and after a dry run the next call by `cursor`. With 0, a
   * new job is created, and nothing is done.
   */
  readonly pauseAfter?: Duration;
  /** Aborts the call. What was done stays done, and the job can be continued. */
  readonly signal?: AbortSignal;
}

/** The checked options of a change of many runs. */
export interface ReadWork<Plan> {
  /** The plan of a new job, or the id of one that exists. */
  readonly work: (Plan & { readonly namespace: string | undefined }) | { readonly job: string };
  /** Whether only to say what would be done. */
  readonly dryRun: boolean;
  /** The most runs that may fail. */
  readonly stopAfterFailures: number;
  /** Milliseconds. */
  readonly patienceMs: number;
  /** Milliseconds after which the call stops at the end of a batch; `null`: it does not. */
  readonly pauseMs: number | null;
  /** Aborts the upgrade. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Checks how far one call goes.
 *
 * @param options What was passed.
 * @param call The call, for errors.
 * @returns The limits.
 * @throws {InvalidArgumentError} If a value has a wrong type or is out of range.
 */
export function limitsOf(
  options: BulkWorkOptions,
  call: string,
): Pick<ReadWork<unknown>, "stopAfterFailures" | "patienceMs" | "pauseMs" | "signal"> {
  const { signal, stopAfterFailures = Infinity, patience = "10s", pauseAfter } = options;
  checkAbortSignal(signal, call);
  if (stopAfterFailures !== Infinity) {
    checkWhole(stopAfterFailures, `option stopAfterFailures of ${call}`, 1);
  }
  return {
    stopAfterFailures,
    patienceMs: durationMs(patience, `option patience of ${call}`),
    pauseMs: pauseAfter === undefined
      ? null
      : durationMs(pauseAfter, `option pauseAfter of ${call}`),
    signal,
  };
}
