/**
 * Hooks of the application around what an instance does: code of the host, not of a version. They
 * run in the process that acts, and a replay calls none of them.
 *
 * @module
 */

import { checkFunction, checkKeys } from "../base/arguments.ts";
import type { RunHeaders } from "../workflow/headers.ts";

/**
 * A start of one run, or of many at once.
 *
 * @category Continuum
 */
export interface StartCall {
  /** The workflow's name or specifier. */
  readonly workflow: string;
  /** The run's id, if the caller gave one; null for many at once. */
  readonly runId: string | null;
  /** The headers that the caller gave. */
  readonly headers: RunHeaders;
}

/**
 * A signal that is sent to a run.
 *
 * @category Continuum
 */
export interface SignalCall {
  /** The run's id. */
  readonly runId: string;
  /** The signal's name. */
  readonly name: string;
}

/**
 * An attempt of a step, a transaction or an activity.
 *
 * @category Continuum
 */
export interface AttemptCall {
  /** The kind of effect: `step`, `transaction` or `activity`. */
  readonly kind: string;
  /** Its name. */
  readonly name: string;
  /** The run that requested it. */
  readonly runId: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The headers of the run. */
  readonly headers: RunHeaders;
}

/**
 * Hooks around what an instance does. Each receives what is about to happen and a function that
 * does it, and returns what that function returns. If a hook throws, the call or the attempt fails
 * with its error.
 *
 * @category Continuum
 */
export interface Around {
  /** Around `start` and `startMany`. `next` takes other headers in place of the caller's. */
  readonly start?: <Result>(
    call: StartCall,
    next: (headers?: RunHeaders) => Promise<Result>,
  ) => Promise<Result>;
  /** Around `signal` of a run's handle. */
  readonly signal?: <Result>(call: SignalCall, next: () => Promise<Result>) => Promise<Result>;
  /** Around each attempt of a step, a transaction or an activity that this process makes. */
  readonly attempt?: <Result>(call: AttemptCall, next: () => Promise<Result>) => Promise<Result>;
}

const KEYS = ["start", "signal", "attempt"] as const;

/**
 * Checks the option `around`.
 *
 * @param around What the caller passed.
 * @param call The call, for errors.
 * @throws {InvalidArgumentError} If a hook is unknown or is no function.
 */
export function checkAround(around: unknown, call: string): void {
  if (around === undefined) return;
  checkKeys(around, KEYS, `option around of ${call}`);
  for (const key of KEYS) {
    const hook = (around as Around)[key];
    if (hook !== undefined) checkFunction(hook, `option around.${key} of ${call}`);
  }
}
