/**
 * Claims tasks for this node: from the queues that it serves, as many as it has room for, and only
 * those whose code it has. Ends timed-out tasks of every queue.
 *
 * - QUEUE-1: a claim takes no more tasks than the queue has free room for, so a slow queue does not
 *   delay the others.
 * - QUEUE-2: a claimed task that can't begin here is released unchanged, and no attempt is counted.
 * - QUEUE-3: so is one whose values this node can't decode, for later; nothing of it is written.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import { CancelledError } from "../../base/errors.ts";
import { failPoint } from "../../base/failpoint.ts";
import { logFailure } from "../../base/log.ts";
import type { LeasedTask, TaskFence } from "../../ports/tasks.ts";
import { isReadable } from "../../ports/readable.ts";
import type { ActivityLike } from "../../replay/commands.ts";
import type { TaskOwner } from "./running_attempt.ts";
import { Poller } from "../poller.ts";
import type { NodeContext } from "../node_context.ts";
import type { TaskAttempts } from "./task_attempts.ts";
import { expiryOf, unattempted } from "../../task/retry.ts";
import { type Decided, decided } from "../../task/terms.ts";
import { attemptInterrupted } from "../../task/errors.ts";

/** How a node serves a queue. */
export interface QueueSettings {
  /** The most attempts at once on this node. */
  readonly concurrency: number;
  /** How many attempts all nodes together may begin in how many milliseconds; `null`: no limit. */
  readonly rate: { readonly limit: number; readonly perMs: number } | null;
}

/** Finds the owners of tasks. */
export interface TaskOwners {
  /** Returns the run that a task belongs to, if it is in memory when the attempt ends. */
  ownerOf(task: LeasedTask): TaskOwner;
}

/** The settings of a task queue. */
export interface TaskQueueSettings {
  /** Activities registered by name. */
  readonly activities: ReadonlyMap<string, ActivityLike>;
  /** The queues that this node serves. */
  readonly queues: ReadonlyMap<string, QueueSettings>;
  /** The most attempts at once on this node, in all queues together. */
  readonly concurrency: number;
}

const BATCH = 100;

/** When a task is due again whose values this node can't read, in milliseconds (QUEUE-3). */
const UNREADABLE_MS = 10_000;

/** Claims tasks. */
export class TaskQueue extends Poller {
  readonly #node: NodeContext;
  readonly #settings: TaskQueueSettings;
  readonly #attempts: TaskAttempts;
  readonly #owners: TaskOwners;
  #saturated = false;
  #claiming: Promise<unknown> | undefined;
  /** Tokens of tasks that are claimed and about to begin. */
  readonly #beginning = new Set<number>();

  /**
   * @param node The node that claims.
   * @param settings Its settings.
   * @param attempts Executes the attempts.
   * @param owners Finds the runs that tasks belong to.
   */
  constructor(
    node: NodeContext,
    settings: TaskQueueSettings,
    attempts: TaskAttempts,
    owners: TaskOwners,
  ) {
    super("tasks", node);
    this.#node = node;
    this.#settings = settings;
    this.#attempts = attempts;
    this.#owners = owners;
  }

  /** Returns how many more attempts of a queue may begin here now. */
  room(queue: string): number {
    const { queues, concurrency } = this.#settings;
    const attempts = this.#attempts;
    const settings = queues.get(queue);
    if (settings === undefined || this.isPaused) return 0;
    return Math.min(
      settings.concurrency - attempts.inQueue(queue),
      concurrency - attempts.size,
    );
  }

  /** Whether an activity of a resident run may begin without going through the queue. */
  admits(queue: string): boolean {
    const settings = this.#settings.queues.get(queue);
    if (settings === undefined || settings.rate !== null) return false;
    if (this.room(queue) > 0) return true;
    this.#saturated = true;
    return false;
  }

  /** Polls after an attempt has ended, since there is room again. */
  freed(): void {
    if (!this.#saturated) return;
    this.#saturated = false;
    this.pollNow();
  }

  /** Resolves when no claim is under way. */
  async claimed(): Promise<void> {
    await this.#claiming;
  }

  /** Whether a task was claimed, and is about to begin. */
  begins({ token }: TaskFence): boolean {
    return this.#beginning.has(token);
  }

  protected override async poll(): Promise<number | null> {
    const { queues } = this.#settings;
    const since = this.#node.databaseClock.now();
    await this.#expire();
    for (const [queue, settings] of queues) {
      while (await this.#claim(queue, settings));
    }
    return await this.#node.store.tasks.next([...queues.keys()], since);
  }

  /** Returns whether there may be more. */
  async #claim(queue: string, { rate }: QueueSettings): Promise<boolean> {
    const { store: { tasks: store }, lease, exclusions } = this.#node;
    const room = this.room(queue); // QUEUE-1
    const limit = Math.min(BATCH, room);
    if (limit <= 0) {
      this.#saturated = true;
      return false;
    }
    if (this.isPaused || !lease.fresh()) return false;
    const node = lease.id;
    const names = [...this.#settings.activities.keys()];
    const claim = { node, queue, limit, names, excluded: exclusions.list(), rate };
    const tasks = await this.#answered(store.claim(claim));
    await failPoint("task.claimed", { tasks: tasks.length });
    if (lease.id !== node) return this.#over(tasks); // they expired with it
    await Promise.all(tasks.map((task) => this.#begin(task))).finally(() => this.#over(tasks));
    if (rate !== null && tasks.length < limit && await store.waiting(claim)) {
      this.#lookForPermits(rate);
    }
    return tasks.length === limit;
  }

  /** Records that tasks are claimed, and then that they are about to begin. */
  #answered(claim: Promise<LeasedTask[]>): Promise<LeasedTask[]> {
    const noted = claim.then((tasks) => {
      for (const { token } of tasks) this.#beginning.add(token);
      return tasks;
    });
    this.#claiming = inBackground(noted);
    return noted;
  }

  #over(tasks: readonly LeasedTask[]): false {
    for (const { token } of tasks) this.#beginning.delete(token);
    return false;
  }

  /** Takes permits one by one. */
  #lookForPermits({ limit, perMs }: { readonly limit: number; readonly perMs: number }): void {
    this.pollAt(this.#node.databaseClock.now() + perMs / limit);
  }

  async #begin(task: LeasedTask): Promise<void> {
    const attempts = this.#attempts;
    if (!isReadable(task)) return await this.#postpone(task);
    const payload = this.#foregone(task);
    if (payload !== null) return attempts.end(task, payload);
    const activity = await this.#activity(task);
    if (activity === undefined) return await this.#node.store.tasks.release(task); // QUEUE-2
    const held = await this.#decided(task, activity);
    if (held === undefined) return;
    this.#tellInterrupted(held);
    attempts.execute(held, activity, this.#owners.ownerOf(task));
  }

  /** QUEUE-3 */
  async #postpone(task: LeasedTask): Promise<void> {
    this.#node.log.warn(
      "Cannot read a task of activity {activity} of run {run}, trying again in {wait} ms: " +
        "no key of this node decodes it",
      { activity: task.name, run: task.runId, wait: UNREADABLE_MS },
    );
    await this.#node.store.tasks.release(task, UNREADABLE_MS);
  }

  /**
   * Applies the definition's terms to a task that is called by name; `undefined`: this ended the
   * task, or the task is lost.
   */
  async #decided(
    task: LeasedTask,
    activity: ActivityLike,
  ): Promise<Decided<LeasedTask> | undefined> {
    const attempts = this.#attempts;
    let held: Decided<LeasedTask>;
    try {
      held = decided(task, activity);
    } catch (error) {
      attempts.end(task, { kind: "activity.failed", payload: unattempted(task, error) });
      return undefined;
    }
    if (held.key !== task.key) {
      const known = await this.#node.store.tasks.decide(task, { ...task, key: held.key });
      if (known === undefined) return undefined;
      held = { ...held, known };
      if (!isReadable(held)) {
        await this.#postpone(task);
        return undefined;
      }
    }
    const payload = this.#foregone(held);
    if (payload === null) return held;
    attempts.end(task, payload);
    return undefined;
  }

  /** Returns the result of a task that needs no attempt, if there is one. */
  #foregone(task: LeasedTask): Parameters<TaskAttempts["end"]>[1] | null {
    const { attempt, maxAttempts, name, known } = task;
    if (known !== null) return { kind: "activity.completed", payload: known };
    const failed = (cause: unknown) =>
      ({ kind: "activity.failed", payload: unattempted(task, cause) }) as const;
    if (task.ended || task.cancelRequested) return failed(new CancelledError(null));
    if (maxAttempts === null || attempt <= maxAttempts) return null;
    const error = attemptInterrupted(name, attempt - 1);
    this.#tellFailure(task, attempt - 1, error, null);
    return failed(error);
  }

  async #activity({ name, hash, definition }: LeasedTask): Promise<ActivityLike | undefined> {
    if (hash === null || definition === null) return this.#settings.activities.get(name);
    const { code, exclusions, lease } = this.#node;
    const found = await code.activity?.(hash, definition, lease.id);
    if (found !== undefined && "execute" in found) return found;
    exclusions.add(hash);
    return undefined;
  }

  /** Ends timed-out tasks of every queue, since no node may serve their queue. */
  async #expire(): Promise<void> {
    const { store: { tasks: store }, lease, databaseClock } = this.#node;
    const attempts = this.#attempts;
    while (!this.isPaused && lease.fresh()) {
      const node = lease.id;
      const tasks = await this.#answered(store.claimExpired(node, BATCH));
      this.#over(tasks); // each is known to the attempts before anything else happens
      if (lease.id !== node) return;
      for (const task of tasks) {
        if (!isReadable(task)) {
          await this.#postpone(task);
          continue;
        }
        const payload = this.#foregone(task);
        if (payload !== null) {
          attempts.end(task, payload);
          continue;
        }
        const { error, retryable } = expiryOf(task, databaseClock.now());
        if (retryable) {
          attempts.fail(task, error);
          continue;
        }
        this.#tellFailure(task, task.attempt, error, null);
        attempts.end(task, { kind: "activity.failed", payload: unattempted(task, error) });
      }
      if (tasks.length < BATCH) return;
    }
  }

  /** An attempt whose node died left no error: it is logged by the node that makes the next one. */
  #tellInterrupted(task: LeasedTask): void {
    const last = task.attempt - 1;
    if (last === 0 || task.failures.some(({ attempt }) => attempt === last)) return;
    this.#tellFailure(task, last, attemptInterrupted(task.name, last), task.availableAt);
  }

  #tellFailure(
    { runId: run, name }: Pick<LeasedTask, "runId" | "name">,
    attempt: number,
    error: unknown,
    nextAt: number | null,
  ): void {
    logFailure(this.#node.log, { run, kind: "activity", name, attempt, error, nextAt });
  }
}
