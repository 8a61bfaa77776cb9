/**
 * Activities of this node: what its runs ask for, and what it takes from queues.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import type { Clock } from "../../base/clock.ts";
import { Batcher } from "../../base/batcher.ts";
import type { ClaimedRun, NewEvent } from "../../ports/rows.ts";
import type { Notice, Store } from "../../ports/store.ts";
import type { TaskBase, TaskFence } from "../../ports/tasks.ts";
import type { ActivityLike, Command } from "../../replay/commands.ts";
import type { CodeSource } from "../code/source.ts";
import type { DatabaseClock } from "../database_clock.ts";
import type { Ending, TaskOwner } from "./running_attempt.ts";
import { engineLog } from "../../base/log.ts";
import type { NodeLease } from "../node_lease.ts";
import type { DatabaseRetry } from "../database_retry.ts";
import { TaskAttempts } from "./task_attempts.ts";
import { type QueueSettings, TaskQueue } from "./task_queue.ts";
import { taskOf } from "../../task/retry.ts";
import { placed } from "../../task/terms.ts";
import type { Exclusions } from "../code/exclusions.ts";

/** A resident run, as tasks that were claimed see it. */
export interface ResidentRun {
  /** As {@linkcode TaskOwner.answer}, for an activity whose task waits as a row. */
  answerTask(fence: TaskFence, ending: Ending): boolean;
  /** Whether the answer of a task is on its way into the run's history. */
  writes(fence: TaskFence): boolean;
  /** Whether a cancellation of the run has reached the activity at a position. */
  gaveUp(position: number): boolean;
}

/** What the activities of a node need. */
export interface NodeTasksOptions {
  /** Where everything is kept. */
  readonly store: Store;
  /** The node. */
  readonly lease: NodeLease;
  /** Times attempts. */
  readonly clock: Clock;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** Waits for a database that is away. */
  readonly databaseRetry: DatabaseRetry;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** Finds pinned activities. */
  readonly code: CodeSource;
  /** Versions that this node leaves alone. */
  readonly excluded: Exclusions;
  /** Activities registered by name. */
  readonly activities: ReadonlyMap<string, ActivityLike>;
  /** The queues that this node serves. */
  readonly queues: ReadonlyMap<string, QueueSettings>;
  /** The most attempts at once. */
  readonly concurrency: number;
  /** A run that is resident here. */
  readonly resident: (run: number) => ResidentRun | undefined;
  /** A run has a message. */
  readonly wakeRun: (run: number, node: string | null) => void;
}

/** The activities of a node. */
export class NodeTasks {
  readonly #options: NodeTasksOptions;
  readonly #attempts: TaskAttempts;
  readonly #queue: TaskQueue;
  readonly #notices: Batcher<Notice, undefined>;

  /** @param options What they need. */
  constructor(options: NodeTasksOptions) {
    const { store } = options;
    this.#options = options;
    this.#notices = new Batcher(async (notices) => {
      await store.notices.publish(notices);
      return notices.map(() => undefined);
    });
    this.#attempts = new TaskAttempts({
      ...options,
      store: store.tasks,
      waits: (task, from) => this.#waits(task, from),
      expires: (at) => this.#queue.pollAt(at),
      freed: () => this.#queue.freed(),
    });
    this.#queue = new TaskQueue({
      ...options,
      store: store.tasks,
      attempts: this.#attempts,
      owner: (task) => this.#ownerOf(task),
    });
  }

  /**
   * A resident run asks for an activity: it begins here at once if it may, or waits in its queue.
   *
   * @param run The run.
   * @param command The activity's command.
   * @param code Where in the run's version the activity is; `null`: it is late-bound.
   * @param owner The run, as the attempt sees it.
   * @returns Aborts the attempt's signal.
   */
  ask(
    run: ClaimedRun,
    command: Command,
    code: string | null,
    owner: TaskOwner,
  ): { abort(reason: unknown): void } {
    const isByName = code === null;
    const activity = isByName
      ? this.#options.activities.get(command.name)
      : command.options.activity;
    const options = isByName ? placed(command.options, activity) : command.options;
    const task = taskOf(run, command, options, code);
    const { runId, seed } = run;
    const from = { runToken: run.token, node: this.#options.lease.id, runId, seed };
    if (activity !== undefined && this.#queue.admits(task.queue)) {
      return this.#attempts.begin(task, from, activity, owner);
    }
    const { runToken, node } = from;
    const row = { ...task, runToken, node, token: null, delayMs: 0, ageMs: 0, heartbeat: null };
    this.#attempts.post(row, owner);
    return { abort() {} };
  }

  /** An ending that a run had taken, and could not write: the task's own fence decides. */
  salvage(fence: TaskFence, { kind, payload }: NewEvent): void {
    this.#attempts.end(fence, { kind: kind as Ending["kind"], payload: payload! });
  }

  /**
   * A run gives activities up that wait as rows.
   *
   * @returns Positions of those that nobody executes: they are gone.
   */
  async cancel(run: ClaimedRun, positions: readonly number[]): Promise<readonly number[]> {
    const { store, databaseRetry } = this.#options;
    return await databaseRetry.run(
      "give tasks up",
      () => store.tasks.cancel(run.id, run.token, positions),
    ) ?? [];
  }

  /** There may be tasks. */
  pollNow(): void {
    this.#queue.pollNow();
  }

  /**
   * A heartbeat: looks at everything that a hint could have said, and compares the tasks that this
   * node holds by the database's account with those that it knows (ENGINE-1 of `engine/engine.ts`).
   *
   * @param leased Whether the database knows of any.
   * @returns How many it knew nothing of: they are given back.
   */
  async check(leased: boolean): Promise<number> {
    this.#queue.pollNow();
    const node = this.#options.lease.id;
    const unknown = await this.#attempts.check(node, leased);
    if (unknown.length === 0) return 0;
    await this.#queue.claimed();
    const lost = unknown.filter((task) => this.#isLost(task));
    if (lost.length === 0 || node !== this.#options.lease.id) return 0;
    for (const task of lost) await this.#options.store.tasks.release(task);
    engineLog.warn("Node {node} held {tasks} tasks that it knew nothing of: they are given back", {
      node,
      tasks: lost.length,
    });
    this.#queue.pollNow();
    return lost.length;
  }

  #isLost(task: TaskFence): boolean {
    const isKnown = this.#attempts.knows(task) || this.#queue.begins(task) ||
      this.#options.resident(task.run)?.writes(task);
    return isKnown !== true;
  }

  /** The node is closed over its attempts: they are not to count. */
  async giveBack(): Promise<void> {
    try {
      await this.#attempts.giveBack();
    } catch (error) {
      engineLog.warn("Cannot give tasks back, whose attempts count now: {error}", { error });
    }
  }

  /** The node was buried. */
  loseAll(): void {
    this.#attempts.loseAll();
  }

  /** Claims nothing more. */
  pause(): Promise<void> {
    return this.#queue.pause();
  }

  /** Resolves when no attempt is under way, and every answer is written. */
  idle(): Promise<void> {
    return this.#attempts.idle();
  }

  /** A task waits in its queue: whoever can take it is told. */
  #waits({ queue, name, hash }: TaskBase, from: number): void {
    if (from > this.#options.databaseClock.now()) return this.#queue.pollAt(from);
    this.#queue.pollNow();
    const isHad = hash !== null || this.#options.activities.has(name);
    if (isHad && this.#queue.room(queue) > 0) return;
    inBackground(this.#notices.add({ kind: "tasks" }), tellNoHint);
  }

  #ownerOf(task: TaskFence): TaskOwner {
    const { resident } = this.#options;
    return {
      get isCancelled() {
        return resident(task.run)?.gaveUp(task.position) ?? false;
      },
      answer: (ending, fence) =>
        fence !== null && (resident(task.run)?.answerTask(fence, ending) ?? false),
      parked() {},
      lost() {},
    };
  }
}

/** Losing a hint costs time, never a fact. */
function tellNoHint(error: unknown): void {
  engineLog.debug("Cannot send a hint: {error}", { error });
}
