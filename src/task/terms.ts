/**
 * Applies the definition of an activity to a task that a workflow requested by name. Workflow code
 * can't read that definition, so nodes do.
 *
 * - TERMS-1: options of the call override those of the definition.
 * - TERMS-2: if a call leaves them open, `retry`, `startToClose`, `heartbeat` and the idempotency
 *   key are those of the node that executes an attempt. The row leaves them open too, so each
 *   attempt reads them again. A key stays once it is known. All of them stay once another process
 *   may complete the attempt by its token.
 * - TERMS-3: `queue`, `priority`, `scheduleToStart` and `scheduleToClose` concern the wait before
 *   an attempt, so they are those of the requesting node, if it has registered the activity.
 *
 * @module
 */

import { DEFAULT_RETRY } from "../base/backoff.ts";
import { decode } from "../base/values.ts";
import type { TaskBase, TaskPolicy } from "../ports/tasks.ts";
import type { ActivityLike, CommandOptions } from "../replay/commands.ts";
import type { ActivityDefinition } from "../workflow/activity.ts";
import { readKey } from "../workflow/task_options.ts";

/** The fields of a task that a definition may set. */
export type TaskTerms = Pick<TaskBase, "policy" | "maxAttempts" | "key">;

/** A task with the terms of a definition. */
export type Decided<Task extends TaskBase> = Task & {
  /** The values of its row, if they leave something open; otherwise absent. */
  readonly open?: Omit<TaskTerms, "key">;
};

type Defined =
  & ActivityLike
  & Partial<
    Pick<
      ActivityDefinition,
      "retry" | "timeout" | "timeouts" | "queue" | "priority" | "idempotencyKey"
    >
  >;

/**
 * Returns whether the row of a task leaves its number of attempts open.
 *
 * @param task The task, from its row.
 */
export function isUndecided(
  { hash, policy, maxAttempts }: Pick<TaskBase, "hash" | "policy" | "maxAttempts">,
): boolean {
  return hash === null && policy.retry === undefined && maxAttempts === null;
}

/**
 * Adds the terms for the wait, from the definition that this node has registered, to the options of
 * a call by name (TERMS-3).
 *
 * @param options The options of the call.
 * @param activity The activity that this node registered under the name, if any.
 * @returns The options.
 */
export function placed(
  options: CommandOptions,
  activity: ActivityLike | undefined,
): CommandOptions {
  const { queue, priority, timeouts } = (activity ?? {}) as Partial<Defined>;
  const { scheduleToStart, scheduleToClose } = timeouts ?? {};
  return {
    ...(typeof queue === "string" ? { queue } : {}),
    ...(typeof priority === "number" ? { priority } : {}),
    ...(scheduleToStart === undefined ? {} : { scheduleToStart }),
    ...(scheduleToClose === undefined ? {} : { scheduleToClose }),
    ...options,
  };
}

/**
 * Adds the terms of the executing node's definition to a task that is called by name (TERMS-1,
 * TERMS-2).
 *
 * @param task The task, from its row.
 * @param activity The activity that this node registered under the name.
 * @returns The task with the terms of the attempt. A task that is pinned to a version is returned
 * unchanged.
 * @throws {InvalidArgumentError} If the definition's function returns an invalid key. Errors of
 * that function are rethrown.
 */
export function decided<Task extends TaskBase>(task: Task, activity: ActivityLike): Decided<Task> {
  if (task.hash !== null) return task;
  const { retry = null, timeout = null, timeouts = {}, idempotencyKey = null } =
    activity as Defined;
  const { policy, maxAttempts } = task;
  const merged: { -readonly [Key in keyof TaskPolicy]: TaskPolicy[Key] } = { ...policy };
  let most = maxAttempts;
  if (isUndecided(task)) {
    const { maxAttempts: attempts, retryIf: _, ...rest } = retry ?? DEFAULT_RETRY;
    merged.retry = rest;
    most = attempts === Infinity ? null : attempts;
  }
  if (timeout !== null) merged.startToClose ??= timeout;
  if (timeouts.heartbeat !== undefined) merged.heartbeat ??= timeouts.heartbeat;
  return {
    ...task,
    policy: merged,
    maxAttempts: most,
    key: task.key ?? keyOf(task, idempotencyKey),
    open: { policy, maxAttempts },
  };
}

/**
 * Converts a task back to the values of its row (TERMS-2).
 *
 * @param task The task, with the terms of a definition.
 */
export function asRow<Task extends TaskBase>({ open, ...task }: Decided<Task>): Task {
  return { ...task as unknown as Task, ...open };
}

function keyOf(
  { name, input, policy }: TaskBase,
  idempotencyKey: ((input: unknown) => string | null) | null,
): string | null {
  if (idempotencyKey === null || policy.keyless === true) return null;
  const given = input === null ? undefined : decode(input);
  return readKey(idempotencyKey(given), `activity ${JSON.stringify(name)}`);
}
