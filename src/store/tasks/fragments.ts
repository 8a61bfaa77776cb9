/**
 * Small pieces of SQL that statements on tasks share.
 *
 * @module
 */

import { pauseMessage } from "../runs/fragments.ts";
import { milliseconds } from "../sql/fragments.ts";
import type { LeasedTask } from "../../ports/tasks.ts";

/** A task as the database gives it: JSON columns are text. */
export type RawTask = Omit<LeasedTask, "policy" | "failures"> & {
  readonly policy: string | null;
  readonly failures: string | null;
};

/** TASK-2: an attempt that is completed from outside has its token until its time is over. */
export const IN_TIME = `(
  task.state <> 'external' or task.expires_at is null or task.expires_at > clock_timestamp()
)`;

/**
 * A duration.
 *
 * @param ms The SQL expression of its milliseconds.
 * @returns The SQL of an interval.
 */
export function after(ms: string): string {
  return `${ms} * interval '1 millisecond'`;
}

/** PAUSE-2: whether a task that waits for an attempt is held, since its run is paused. */
export const HELD: string = pauseMessage("task.run");

/** What a task is that waits for an attempt. */
export const WAITING = `case when ${HELD} then 'held' else 'ready' end`;

/**
 * When the time of a task is over that waits for an attempt.
 *
 * @param time The SQL of that time.
 * @returns The SQL of it; null for a task that is held.
 */
export function unlessHeld(time: string): string {
  return `case when not ${HELD} then ${time} end`;
}

/** The columns of a {@linkcode RawTask} but `known` and `was`; `task` joins its `run`. */
export const LEASED = `
  task.run, task.position, task.token, run.seed, task.attempt, task.max_attempts as "maxAttempts",
  task.priority, task.queue, task.name, task.digest, task.nth, task.hash, task.definition, task.key,
  task.policy::text as policy, task.input::text as input, task.failures::text as failures,
  task.heartbeat::text as heartbeat, task.cancel_requested as "cancelRequested",
  ${milliseconds("task.scheduled_at")} as "scheduledAt",
  ${milliseconds("task.available_at")} as "availableAt",
  ${milliseconds("task.closes_at")} as "closesAt", ${milliseconds("task.ends_at")} as "endsAt",
  run.run_id as "runId", run.workflow, run.namespace, task.trace,
  run.ended_at is not null or run.generation <> task.generation as ended`;

/** The result that another task has committed under the same key. */
export const KNOWN = `(
  select stored.result::text from {schema}.activity_results as stored
  where task.key is not null and stored.namespace = run.namespace and stored.name = task.name
    and stored.key = task.key
) as known`;
