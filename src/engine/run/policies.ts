/**
 * The policies of a run: retries after a failure, and the timeout.
 *
 * @module
 */

import { retryDelay, type RetryPredicate } from "../../base/backoff.ts";
import { runTimeout } from "../../base/errors.ts";
import { encode } from "../../base/values.ts";
import { decodeError, encodeError } from "../../base/values_failure.ts";
import type { ClaimedRun, Transition, WaitRow } from "../../ports/rows.ts";
import type { CancelRequest } from "../../replay/history.ts";
import { policyOf } from "../../workflow/run_policy.ts";
import type { Inbox } from "./inbox.ts";

/**
 * Decides when a failed run is retried.
 *
 * @param run The run.
 * @param error The error that its function threw, encoded.
 * @param now Milliseconds of database time.
 * @param retryIf The predicate of the version's definition.
 * @returns Milliseconds of database time; null: never, or not before its timeout.
 */
export function retryAt(
  run: ClaimedRun,
  error: string,
  now: number,
  retryIf?: RetryPredicate,
): number | null {
  const { retry } = policyOf(run.policy);
  if (retry === undefined) return null;
  const errors = [...causesOf(decodeError(error))];
  const from = Math.ceil(now);
  const times = { now: from, ...(run.deadline === null ? {} : { leftMs: run.deadline - from }) };
  const policy = { ...retry, ...(retryIf && { retryIf }) };
  const delayMs = retryDelay(run.attempt, policy, errors, Math.random(), times);
  return delayMs === null ? null : from + delayMs;
}

/** An error, its cause, and so on: an activity's error is the cause of another error. */
function* causesOf(thrown: unknown): Iterable<unknown> {
  yield thrown;
  if (thrown instanceof Error && thrown.cause !== undefined) yield* causesOf(thrown.cause);
}

/**
 * What `status()` shows while a run waits for its next attempt.
 *
 * @param attempt The number of the next attempt.
 * @param until When it is due.
 */
export function restOf(attempt: number, until: number): WaitRow[] {
  return [{ kind: "retry", name: `attempt ${attempt}`, position: 0, until }];
}

/**
 * The payload of the event that delivers a run's timeout to its code.
 *
 * @param run The run.
 */
export function timeoutRequest({ policy }: ClaimedRun): string {
  const timeout = policyOf(policy).timeout!;
  const reason = `its timeout of ${timeout} ms is over`;
  return encode({ reason, timeout } satisfies CancelRequest);
}

/**
 * Decides whether a run ends, cancelled or timed out, before any of its code has run in this
 * attempt.
 *
 * @param run The run.
 * @param inbox Its messages.
 * @param now Milliseconds of database time.
 * @returns Its end; undefined if the run begins.
 */
export function endUnbegun(
  run: ClaimedRun,
  inbox: Inbox,
  now: number,
): Transition | undefined {
  const { cancellation } = inbox;
  if (cancellation !== undefined) return cancellation;
  if (run.deadline === null || run.deadline > now) return undefined;
  const error = runTimeout(run.runId, policyOf(run.policy).timeout!);
  return { to: "failed", result: null, error: encodeError(error) };
}
