/**
 * Converts a command to a task, and decides what follows a failed attempt.
 *
 * @module
 */

import { DEFAULT_RETRY, retryDelay, type RetryPredicate } from "../base/backoff.ts";
import { encodeError } from "../base/values_failure.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { LeasedTask, TaskBase, TaskPolicy } from "../ports/tasks.ts";
import {
  encodeActivityFailure,
  MAX_ATTEMPTS_KEPT,
  type RecordedAttempt,
  shortened,
} from "../replay/activity_failure.ts";
import type { Command, CommandOptions } from "../replay/commands.ts";
import { NO_HEADERS } from "../workflow/headers.ts";
import { headersOf } from "../workflow/run_policy.ts";
import { isUndecided } from "./terms.ts";
import { attemptTimeout, type CallLimit } from "./timeout.ts";
import { attemptInterrupted } from "./errors.ts";

/** The default queue of activities. */
export const DEFAULT_QUEUE = "default";

/**
 * Converts a command to a task.
 *
 * @param run The requesting run.
 * @param command The command of an activity.
 * @param options Its options.
 * @param code The label and export of the activity in the run's version; `null`: it is late-bound.
 * @returns The task, before its first attempt.
 */
export function taskOf(
  run: ClaimedRun,
  { name, digest, nth, position, input }: Command,
  options: CommandOptions,
  code: string | null,
): TaskBase {
  const isOpen = code === null && options.retry === undefined; // TERMS-2
  const { maxAttempts } = options.retry ?? DEFAULT_RETRY;
  return {
    run: run.id,
    namespace: run.namespace,
    position,
    name,
    digest,
    nth,
    queue: options.queue ?? DEFAULT_QUEUE,
    priority: options.priority ?? 0,
    hash: code === null ? null : run.hash,
    definition: code,
    key: options.idempotencyKey ?? null,
    input,
    policy: taskPolicyOf(run, options, code === null),
    maxAttempts: isOpen || maxAttempts === Infinity ? null : maxAttempts,
    attempt: 1,
    failures: [],
  };
}

function taskPolicyOf(
  run: Pick<ClaimedRun, "policy">,
  options: CommandOptions,
  isByName: boolean,
): TaskPolicy {
  const { retry, timeout, scheduleToStart, scheduleToClose, heartbeat } = options;
  const policy: { -readonly [Key in keyof TaskPolicy]: TaskPolicy[Key] } = {};
  if (retry !== undefined) {
    const { maxAttempts: _, retryIf: __, ...rest } = retry;
    policy.retry = rest;
  }
  if (timeout !== undefined) policy.startToClose = timeout;
  if (scheduleToStart !== undefined) policy.scheduleToStart = scheduleToStart;
  if (scheduleToClose !== undefined) policy.scheduleToClose = scheduleToClose;
  if (heartbeat !== undefined) policy.heartbeat = heartbeat;
  const headers = headersOf(run.policy);
  if (headers !== NO_HEADERS) policy.headers = headers;
  if (isByName && options.idempotencyKey === null) policy.keyless = true;
  return policy;
}

/** The fields of a failed task on which the decision depends. */
export type FailedTask =
  & Pick<TaskBase, "name" | "hash" | "policy" | "maxAttempts" | "attempt" | "failures">
  & Pick<LeasedTask, "availableAt" | "closesAt">;

/** What follows a failure: another attempt, or the end. */
export type RetryDecision =
  | { readonly delayMs: number; readonly failures: readonly RecordedAttempt[] }
  | { readonly payload: string };

/**
 * Decides what follows a failed attempt.
 *
 * @param task The task, as the attempt began.
 * @param error The error of the attempt.
 * @param now Milliseconds of database time.
 * @param retryable Whether another attempt may succeed.
 * @param retryIf The predicate of the activity's definition.
 * @returns The next attempt's delay; or the failure, encoded.
 */
export function decideRetry(
  task: FailedTask,
  error: unknown,
  now: number,
  retryable: boolean,
  retryIf?: RetryPredicate,
): RetryDecision {
  const { attempt, policy, closesAt } = task;
  const maxAttempts = isUndecided(task) ? DEFAULT_RETRY.maxAttempts : task.maxAttempts ?? Infinity;
  const retry = { ...DEFAULT_RETRY, ...policy.retry, maxAttempts, ...(retryIf && { retryIf }) };
  const times = { now, ...(closesAt === null ? {} : { leftMs: closesAt - now }) };
  const delayMs = retryable ? retryDelay(attempt, retry, [error], Math.random(), times) : null;
  if (delayMs === null) return { payload: lastFailure(task, error, now) };
  const failures = failuresOf(task, encodeError(error), now);
  return { delayMs, failures: failures.slice(-MAX_ATTEMPTS_KEPT) };
}

/**
 * Encodes the failure of a task whose last attempt failed.
 *
 * @param task The task, as that attempt began.
 * @param error The error of the attempt.
 * @param now Milliseconds of database time.
 */
export function lastFailure(task: FailedTask, error: unknown, now: number): string {
  const encoded = encodeError(error);
  return encodeActivityFailure(failuresOf(task, encoded, now), encoded);
}

function failuresOf(task: FailedTask, error: string, now: number): RecordedAttempt[] {
  const { attempt } = task;
  return [...recordedFailures(task), { attempt, at: Math.floor(now), error: shortened(error) }];
}

/**
 * Encodes the failure of a task that is not retried.
 *
 * @param task The task, as it is after its last attempt.
 * @param cause Why.
 */
export function unattempted(task: FailedTask, cause: unknown): string {
  return encodeActivityFailure(recordedFailures(task), encodeError(cause));
}

/**
 * Returns the failed attempts of a task, the last ones of many, with an error for each attempt that
 * never ended and so recorded none.
 *
 * @param task The task, as it is after its last failed attempt.
 */
export function recordedFailures(
  { name, attempt, failures, availableAt }: Pick<
    FailedTask,
    "name" | "attempt" | "failures" | "availableAt"
  >,
): RecordedAttempt[] {
  const known = new Map(failures.map((failure) => [failure.attempt, failure]));
  const all: RecordedAttempt[] = [];
  for (let n = Math.max(1, attempt - MAX_ATTEMPTS_KEPT); n < attempt; n++) {
    all.push(
      known.get(n) ?? {
        attempt: n,
        at: availableAt,
        error: shortened(encodeError(attemptInterrupted(name, n))),
      },
    );
  }
  return all;
}

/**
 * Returns the time limit of an attempt that begins now: its own, or the rest of the limit for all
 * attempts.
 *
 * @param task The task.
 * @param now Milliseconds of database time.
 * @returns The limit; `undefined`: there is none.
 */
export function limitOf(
  { policy, closesAt }: Pick<LeasedTask, "policy" | "closesAt">,
  now: number,
): CallLimit | undefined {
  const { startToClose, scheduleToClose = 0 } = policy;
  const leftMs = closesAt === null ? Infinity : Math.max(0, closesAt - now);
  if (startToClose !== undefined && startToClose <= leftMs) {
    return { timeout: "startToClose", timeoutMs: startToClose, leftMs: startToClose };
  }
  return leftMs === Infinity
    ? undefined
    : { timeout: "scheduleToClose", timeoutMs: scheduleToClose, leftMs };
}

/** Returns the limit that a timed-out task has exceeded. */
export function expiryOf(task: LeasedTask, now: number): { error: Error; retryable: boolean } {
  const { name, attempt, closesAt, endsAt, policy, was } = task;
  const timeout = closesAt !== null && closesAt <= now
    ? "scheduleToClose"
    : was !== "external"
    ? "scheduleToStart"
    : endsAt !== null && endsAt <= now
    ? "startToClose"
    : "heartbeat";
  const what = `activity ${JSON.stringify(name)}`;
  return {
    error: attemptTimeout(what, attempt, timeout, policy[timeout] ?? 0),
    retryable: timeout === "startToClose" || timeout === "heartbeat",
  };
}
