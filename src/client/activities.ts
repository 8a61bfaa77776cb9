/**
 * Completes activities from outside: by a webhook, a person or another program.
 *
 * @module
 */

import { checkPayload } from "../base/payload.ts";
import { encode } from "../base/values.ts";
import { logFailure } from "../base/log.ts";
import { decideRetry, lastFailure } from "../task/retry.ts";
import { parseToken } from "../task/token.ts";
import type { ClientContext } from "./context.ts";
import type { TaskAnswer, TaskFence } from "../ports/tasks.ts";
import { encodeDetails } from "../task/heartbeat.ts";
import { taskNotFound } from "../task/errors.ts";

/** The dependencies of {@linkcode Activities}. */
export type ActivitiesContext = Pick<ClientContext, "log" | "store" | "payloadBytes" | "wakeups">;

/**
 * Completes attempts by their tokens. Any process can do so, including a client.
 *
 * @category Runs
 */
export class Activities {
  readonly #context: ActivitiesContext;

  /**
   * Made by `Continuum`.
   *
   * @param context Its dependencies.
   */
  constructor(context: ActivitiesContext) {
    this.#context = context;
  }

  /**
   * Completes an attempt with a result.
   *
   * @param token The token from `activity.token()`.
   * @param result The activity's result.
   * @throws {AttemptError} (`TASK_NOT_FOUND`) If the attempt has ended.
   * @throws {NotSerializableError} If the result can't be encoded.
   * @throws {PayloadTooLargeError} If the result is larger than `limits.payloadBytes`.
   */
  async complete(token: string, result?: unknown): Promise<void> {
    const fence = readFence("complete", token);
    const { payloadBytes } = this.#context;
    const payload = checkPayload(encode(result, "result"), "the result", payloadBytes);
    await this.#answer("complete", token, { ...fence, kind: "activity.completed", payload });
  }

  /**
   * Fails an attempt. The activity's retry policy decides whether another one follows.
   *
   * @param token The token from `activity.token()`.
   * @param error The error.
   * @throws {AttemptError} (`TASK_NOT_FOUND`) If the attempt has ended.
   */
  async fail(token: string, error: unknown): Promise<void> {
    const { store, wakeups, log } = this.#context;
    const fence = readFence("fail", token);
    const task = await store.tasks.get(fence);
    if (task === null) throw taskNotFound("fail", token);
    const now = await store.now();
    const verdict = decideRetry(task, error, now, !task.cancelRequested);
    const nextAt = "payload" in verdict ? null : now + verdict.delayMs;
    const { runId: run, name, attempt } = task;
    logFailure(log, { run, kind: "activity", name, attempt, error, nextAt });
    if ("payload" in verdict) {
      const { payload } = verdict;
      return await this.#answer("fail", token, { ...fence, kind: "activity.failed", payload });
    }
    const retried = await store.tasks.retry({ ...fence, ...verdict, heartbeat: null });
    if (retried === "lost") throw taskNotFound("fail", token);
    if (retried === "written") return wakeups.broadcast({ kind: "tasks" });
    const payload = lastFailure(task, error, now);
    await this.#answer("fail", token, { ...fence, kind: "activity.failed", payload });
  }

  /**
   * Reports that an attempt still runs, which extends it by another heartbeat timeout.
   *
   * @param token The token from `activity.token()`.
   * @param details Passed to the next attempt, if there is one; at most 16 KiB when encoded.
   * @returns Whether the run was cancelled. If so, the attempt should end soon.
   * @throws {AttemptError} (`TASK_NOT_FOUND`) If the attempt has ended.
   * @throws {InvalidArgumentError} If the encoded details are larger than 16 KiB.
   */
  async heartbeat(
    token: string,
    details?: unknown,
  ): Promise<{ readonly cancelRequested: boolean }> {
    const fence = readFence("heartbeat", token);
    const text = details === undefined ? null : encodeDetails(details);
    const [lease] = await this.#context.store.tasks.beat([{ ...fence, details: text }]);
    if (lease === undefined) throw taskNotFound("heartbeat", token);
    return { cancelRequested: lease.cancelRequested };
  }

  async #answer(action: string, token: string, answer: TaskAnswer): Promise<void> {
    while (true) {
      const [answered] = await this.#context.store.tasks.answer([answer]);
      if (answered?.status === "busy") continue;
      if (answered?.status !== "written") throw taskNotFound(action, token);
      return this.#context.wakeups.wakeRun(answer.run, answered.node);
    }
  }
}

function readFence(action: string, token: string): TaskFence {
  const fence = parseToken(token);
  if (fence === null) throw taskNotFound(action, token);
  return fence;
}
