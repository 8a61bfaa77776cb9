/**
 * Claims tasks for this node: of the queues that it serves, as many as it has room for, and only
 * those whose code it has. Ends those whose time is over, of whatever queue.
 *
 * - QUEUE-1, only free room is claimed, per queue: a slow queue keeps no other waiting.
 * - QUEUE-2, a claimed task that can't begin here goes back as it was: that is no attempt.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import type { Clock } from "../../base/clock.ts";
import { CancelledError } from "../../base/errors.ts";
import { failPoint } from "../../base/failpoint.ts";
import type { LeasedTask, TaskFence, TaskStore } from "../../ports/tasks.ts";
import type { ActivityLike } from "../../replay/commands.ts";
import type { CodeSource } from "../code/source.ts";
import type { DatabaseClock } from "../database_clock.ts";
import type { TaskOwner } from "./running_attempt.ts";
import { Poller } from "../poller.ts";
import type { NodeLease } from "../node_lease.ts";
import type { TaskAttempts } from "./task_attempts.ts";
import { AttemptInterruptedError } from "../../task/errors.ts";
import { expiryOf, unattempted } from "../../task/retry.ts";
import { type Decided, decided } from "../../task/terms.ts";
import type { Exclusions } from "../code/exclusions.ts";

/** How a node serves a queue. */
export interface QueueSettings {
  /** The most attempts at once on this node. */
  readonly concurrency: number;
  /** The most attempts that all nodes begin in how many milliseconds; `null`: any number. */
  readonly rate: { readonly limit: number; readonly perMs: number } | null;
}

/** What a queue needs. */
export interface TaskQueueOptions {
  /** Where tasks are kept. */
  readonly store: TaskStore;
  /** Makes the attempts. */
  readonly attempts: TaskAttempts;
  /** The node that claims. */
  readonly lease: NodeLease;
  /** Times the next look. */
  readonly clock: Clock;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** Finds pinned activities. */
  readonly code: CodeSource;
  /** Versions that this node leaves alone. */
  readonly excluded: Exclusions;
  /** Activities registered by name. */
  readonly activities: ReadonlyMap<string, ActivityLike>;
  /** The queues that this node serves. */
  readonly queues: ReadonlyMap<string, QueueSettings>;
  /** The most attempts at once on this node, of all queues. */
  readonly concurrency: number;
  /** The run that a task is of, if it is here when the attempt has ended. */
  readonly owner: (task: LeasedTask) => TaskOwner;
}

const BATCH = 100;

/** Claims tasks. */
export class TaskQueue {
  readonly #options: TaskQueueOptions;
  readonly #poller: Poller;
  #saturated = false;
  #claiming: Promise<unknown> | undefined;
  /** Tokens of tasks that were claimed, and are about to begin. */
  readonly #beginning = new Set<number>();

  /** @param options What it needs. */
  constructor(options: TaskQueueOptions) {
    const { clock, databaseClock } = options;
    this.#options = options;
    this.#poller = new Poller({ what: "tasks", poll: () => this.#poll(), clock, databaseClock });
  }

  /** How many more attempts of a queue may begin here now. */
  room(queue: string): number {
    const { queues, attempts, concurrency } = this.#options;
    const settings = queues.get(queue);
    if (settings === undefined || this.#poller.isPaused) return 0;
    return Math.min(
      settings.concurrency - attempts.inQueue(queue),
      concurrency - attempts.size,
    );
  }

  /** Whether an activity of a resident run may begin without going through the queue. */
  admits(queue: string): boolean {
    const settings = this.#options.queues.get(queue);
    if (settings === undefined || settings.rate !== null) return false;
    if (this.room(queue) > 0) return true;
    this.#saturated = true;
    return false;
  }

  /** An attempt has ended: what waited for room may begin. */
  freed(): void {
    if (!this.#saturated) return;
    this.#saturated = false;
    this.pollNow();
  }

  /** Resolves when the claim that is under way, if one is, has been answered. */
  async claimed(): Promise<void> {
    await this.#claiming;
  }

  /** Whether a task was claimed, and is about to begin. */
  begins({ token }: TaskFence): boolean {
    return this.#beginning.has(token);
  }

  /** Looks now. */
  pollNow(): void {
    this.#poller.pollNow();
  }

  /**
   * Looks at that time, if nothing makes it look before.
   *
   * @param at Milliseconds of database time.
   */
  pollAt(at: number): void {
    this.#poller.pollAt(at);
  }

  /** Claims nothing more; resolves when no claim is under way. */
  async pause(): Promise<void> {
    await this.#poller.pause();
  }

  async #poll(): Promise<number | null> {
    const { store, queues, databaseClock } = this.#options;
    const since = databaseClock.now();
    await this.#expire();
    for (const [queue, settings] of queues) {
      while (await this.#claim(queue, settings));
    }
    return await store.next([...queues.keys()], since);
  }

  /** Whether there may be more. */
  async #claim(queue: string, { rate }: QueueSettings): Promise<boolean> {
    const { store, lease, excluded, activities } = this.#options;
    const room = this.room(queue); // QUEUE-1
    const limit = Math.min(BATCH, room);
    if (limit <= 0) {
      this.#saturated = true;
      return false;
    }
    if (this.#poller.isPaused || !lease.fresh()) return false;
    const node = lease.id;
    const names = [...activities.keys()];
    const claim = { node, queue, limit, names, excluded: excluded.list(), rate };
    const tasks = await this.#answered(store.claim(claim));
    await failPoint("task.claimed", { tasks: tasks.length });
    if (lease.id !== node) return this.#over(tasks); // they died with it
    await Promise.all(tasks.map((task) => this.#begin(task))).finally(() => this.#over(tasks));
    if (rate !== null && tasks.length < limit && await store.waiting(claim)) {
      this.#lookForPermits(rate);
    }
    return tasks.length === limit;
  }

  /** Notes that tasks are claimed, and then that they are about to begin. */
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

  /** Permits come one by one. */
  #lookForPermits({ limit, perMs }: { readonly limit: number; readonly perMs: number }): void {
    this.pollAt(this.#options.databaseClock.now() + perMs / limit);
  }

  async #begin(task: LeasedTask): Promise<void> {
    const { store, attempts, owner } = this.#options;
    const payload = this.#foregone(task);
    if (payload !== null) return attempts.end(task, payload);
    const activity = await this.#activity(task);
    if (activity === undefined) return await store.release(task); // QUEUE-2
    const held = await this.#decided(task, activity);
    if (held !== undefined) attempts.execute(held, activity, owner(task));
  }

  /** What the definition says of a task by name; `undefined`: it has ended by that, or is lost. */
  async #decided(
    task: LeasedTask,
    activity: ActivityLike,
  ): Promise<Decided<LeasedTask> | undefined> {
    const { store, attempts } = this.#options;
    let held: Decided<LeasedTask>;
    try {
      held = decided(task, activity);
    } catch (error) {
      attempts.end(task, { kind: "activity.failed", payload: unattempted(task, error) });
      return undefined;
    }
    if (held.key !== task.key) {
      const known = await store.decide(task, { ...task, key: held.key });
      if (known === undefined) return undefined;
      held = { ...held, known };
    }
    const payload = this.#foregone(held);
    if (payload === null) return held;
    attempts.end(task, payload);
    return undefined;
  }

  /** What a task comes to without an attempt, if that is known. */
  #foregone(task: LeasedTask): Parameters<TaskAttempts["end"]>[1] | null {
    const { attempt, maxAttempts, name, known } = task;
    if (known !== null) return { kind: "activity.completed", payload: known };
    const failed = (cause: unknown) =>
      ({ kind: "activity.failed", payload: unattempted(task, cause) }) as const;
    if (task.ended || task.cancelRequested) return failed(new CancelledError(null));
    if (maxAttempts === null || attempt <= maxAttempts) return null;
    return failed(new AttemptInterruptedError(name, attempt - 1));
  }

  async #activity({ name, hash, definition }: LeasedTask): Promise<ActivityLike | undefined> {
    if (hash === null || definition === null) return this.#options.activities.get(name);
    const { code: source, excluded, lease } = this.#options;
    const found = await source.activity?.(hash, definition, lease.id);
    if (found !== undefined && "execute" in found) return found;
    excluded.add(hash);
    return undefined;
  }

  /** Ends tasks whose time is over: of whatever queue, since none may be served. */
  async #expire(): Promise<void> {
    const { store, attempts, lease, databaseClock } = this.#options;
    while (!this.#poller.isPaused && lease.fresh()) {
      const node = lease.id;
      const tasks = await this.#answered(store.claimExpired(node, BATCH));
      this.#over(tasks); // each is known to the attempts before anything else happens
      if (lease.id !== node) return;
      for (const task of tasks) {
        const payload = this.#foregone(task);
        if (payload !== null) {
          attempts.end(task, payload);
          continue;
        }
        const { error, retryable } = expiryOf(task, databaseClock.now());
        if (retryable) attempts.fail(task, error);
        else attempts.end(task, { kind: "activity.failed", payload: unattempted(task, error) });
      }
      if (tasks.length < BATCH) return;
    }
  }
}
