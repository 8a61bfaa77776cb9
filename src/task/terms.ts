/**
 * What the definition of an activity says about a task that a workflow asked for by name: workflow
 * code can't read it, so nodes do.
 *
 * - TERMS-1, what a call says goes first.
 * - TERMS-2, where a call leaves it open, `retry`, `startToClose`, `heartbeat` and the idempotency key
 *   are those of the node that executes an attempt. Rows keep it open, so each attempt asks anew; a
 *   key, once it is known, stays, and so does all of it once others may complete the attempt by its
 *   token.
 * - TERMS-3, `queue`, `priority`, `scheduleToStart` and `scheduleToClose` belong to the wait before an
 *   attempt: they are those of the node that asks, if it has registered the activity.
 *
 * @module
 */

import { DEFAULT_RETRY } from "../base/backoff.ts";
import { decode } from "../base/values.ts";
import type { TaskBase, TaskPolicy } from "../ports/tasks.ts";
import type { ActivityLike, CommandOptions } from "../replay/commands.ts";
import type { ActivityDefinition } from "../workflow/activity.ts";
import { readKey } from "../workflow/task_options.ts";

/** The parts of a task that a definition may say. */
export type TaskTerms = Pick<TaskBase, "policy" | "maxAttempts" | "key">;

/** A task with what a definition says of it. */
export type Decided<Task extends TaskBase> = Task & {
  /** What its row says, where that leaves something open; absent where it does not. */
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
 * Whether the number of attempts of a task is not decided yet.
 *
 * @param task The task, as its row says.
 */
export function isUndecided(
  { hash, policy, maxAttempts }: Pick<TaskBase, "hash" | "policy" | "maxAttempts">,
): boolean {
  return hash === null && policy.retry === undefined && maxAttempts === null;
}

/**
 * What a call by name asks for, with what the definition that this node registered says of the wait
 * (TERMS-3).
 *
 * @param options What the call said.
 * @param activity What this node registered under the name, if anything.
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
 * A task by name, with what the definition of the node that executes it says (TERMS-1, TERMS-2).
 *
 * @param task The task, as its row says.
 * @param activity What this node registered under the name.
 * @returns The task as the attempt goes by it; a task that is pinned to a version as it is.
 * @throws {InvalidArgumentError} If the definition makes an invalid key. Errors of the
 * definition's function are rethrown.
 */
export function decided<Task extends TaskBase>(task: Task, activity: ActivityLike): Decided<Task> {
  if (task.hash !== null) return task;
  const { retry = null, timeout = null, timeouts = {}, idempotencyKey = null } =
    activity as Defined;
  const { policy, maxAttempts } = task;
  const merged: { -readonly [Key in keyof TaskPolicy]: TaskPolicy[Key] } = { ...policy };
  let most = maxAttempts;
  if (isUndecided(task)) {
    const { maxAttempts: attempts, ...rest } = retry ?? DEFAULT_RETRY;
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
 * A task as its row is to say (TERMS-2).
 *
 * @param task The task, with what a definition says of it.
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
