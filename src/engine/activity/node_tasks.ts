/**
 * The activities of this node: those that its runs request, and those that it claims from queues.
 *
 * @module
 */

import type { ClaimedRun, NewEvent } from "../../ports/rows.ts";
import type { TaskBase, TaskFence } from "../../ports/tasks.ts";
import type { Command } from "../../replay/commands.ts";
import type { Ending, TaskOwner } from "./running_attempt.ts";
import type { NodeContext } from "../node_context.ts";
import type { Residents } from "../run/residents.ts";
import { type AttemptObserver, TaskAttempts } from "./task_attempts.ts";
import { type TaskOwners, TaskQueue, type TaskQueueSettings } from "./task_queue.ts";
import { taskOf } from "../../task/retry.ts";
import { placed } from "../../task/terms.ts";

/** The activities of a node. */
export class NodeTasks implements AttemptObserver, TaskOwners {
  readonly #node: NodeContext;
  readonly #settings: TaskQueueSettings;
  readonly #residents: Residents;
  readonly #attempts: TaskAttempts;
  readonly #queue: TaskQueue;

  /**
   * @param node The node.
   * @param settings Which activities it executes.
   * @param residents The runs in its memory.
   */
  constructor(node: NodeContext, settings: TaskQueueSettings, residents: Residents) {
    this.#node = node;
    this.#settings = settings;
    this.#residents = residents;
    this.#attempts = new TaskAttempts(node, this);
    this.#queue = new TaskQueue(node, settings, this.#attempts, this);
  }

  /**
   * Starts an activity that a resident run requests: here at once if possible, otherwise from its
   * queue.
   *
   * @param run The run.
   * @param command The activity's command.
   * @param code The label and export of the activity in the run's version; `null`: it is
   * late-bound.
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
      ? this.#settings.activities.get(command.name)
      : command.options.activity;
    const options = isByName ? placed(command.options, activity) : command.options;
    const asked = taskOf(run, command, options, code);
    const trace = owner.telemetry?.trace;
    const task = trace === undefined ? asked : { ...asked, trace };
    const { runId, seed } = run;
    const from = { runToken: run.token, node: this.#node.lease.id, runId, seed };
    if (activity !== undefined && this.#queue.admits(task.queue)) {
      return this.#attempts.begin(task, from, activity, owner);
    }
    const { runToken, node } = from;
    const row = { ...task, runToken, node, token: null, delayMs: 0, ageMs: 0, heartbeat: null };
    this.#attempts.post(row, owner);
    return { abort() {} };
  }

  /**
   * Ends a task whose result a run had accepted but could not write; the task's own fence decides.
   */
  salvage(fence: TaskFence, { kind, payload }: NewEvent): void {
    this.#attempts.end(fence, { kind: kind as Ending["kind"], payload: payload! });
  }

  /**
   * Gives up activities of a run that wait as rows.
   *
   * @returns The positions of those that no node executed, which were removed.
   */
  async cancel(run: ClaimedRun, positions: readonly number[]): Promise<readonly number[]> {
    const { store, databaseRetry } = this.#node;
    return await databaseRetry.run(
      "give tasks up",
      () => store.tasks.cancel(run.id, run.token, positions),
    ) ?? [];
  }

  /** How many attempts are under way, by queue. */
  get attempts(): ReadonlyMap<string, number> {
    return this.#attempts.byQueue;
  }

  /** Polls the queues, since there may be tasks. */
  pollNow(): void {
    this.#queue.pollNow();
  }

  /**
   * At a heartbeat, polls the queues in case a notification was lost, and compares the tasks that
   * are leased to this node in the database with those that it knows (ENGINE-1 of
   * `engine/engine.ts`).
   *
   * @param leased Whether the database has tasks that are leased to this node.
   * @returns How many tasks the node held unknowingly; it has released them.
   */
  async check(leased: boolean): Promise<number> {
    this.#queue.pollNow();
    const node = this.#node.lease.id;
    const unknown = await this.#attempts.check(node, leased);
    if (unknown.length === 0) return 0;
    await this.#queue.claimed();
    const lost = unknown.filter((task) => this.#isLost(task));
    if (lost.length === 0 || node !== this.#node.lease.id) return 0;
    for (const task of lost) await this.#node.store.tasks.release(task);
    this.#node.log.warn(
      "Node {node} held {tasks} tasks without knowing of them, and gave them back",
      {
        node,
        tasks: lost.length,
      },
    );
    this.#queue.pollNow();
    return lost.length;
  }

  #isLost(task: TaskFence): boolean {
    const isKnown = this.#attempts.knows(task) || this.#queue.begins(task) ||
      this.#residents.get(task.run)?.writes(task);
    return isKnown !== true;
  }

  /**
   * Releases tasks whose attempts are under way when the node closes: those attempts do not count.
   */
  async giveBack(): Promise<void> {
    try {
      await this.#attempts.giveBack();
    } catch (error) {
      this.#node.log.warn("Cannot give tasks back, whose attempts count now: {error}", { error });
    }
  }

  /** Drops all tasks, since the node has expired. */
  loseAll(): void {
    this.#attempts.loseAll();
  }

  /** Stops claiming. */
  pause(): Promise<void> {
    return this.#queue.pause();
  }

  /** Resolves when no attempt is under way and every result is written. */
  idle(): Promise<void> {
    return this.#attempts.idle();
  }

  // ---- what attempts report -------------------------------------------------------------------

  /** Claims a task that waits in its queue, or notifies other nodes of it (WAKEUP-2). */
  waits({ queue, name, hash }: TaskBase, from: number): void {
    const { databaseClock, wakeups } = this.#node;
    if (from > databaseClock.now()) return this.#queue.pollAt(from);
    this.#queue.pollNow();
    const isKnown = hash !== null || this.#settings.activities.has(name);
    if (isKnown && this.#queue.room(queue) > 0) return;
    wakeups.publish([{ kind: "tasks" }]);
  }

  /** Notes the time at which a task's limit ends it. */
  expires(at: number): void {
    this.#queue.pollAt(at);
  }

  /** Fills the room that an ended attempt has left. */
  freed(): void {
    this.#queue.freed();
  }

  /** Returns the run that a task belongs to, if it is in memory when the attempt ends. */
  ownerOf(task: TaskFence): TaskOwner {
    const residents = this.#residents;
    return {
      get isCancelled() {
        return residents.get(task.run)?.gaveUp(task.position) ?? false;
      },
      answer: (ending, fence) =>
        fence !== null && (residents.get(task.run)?.answerTask(fence, ending) ?? false),
      parked() {},
      lost() {},
      telemetry: this.#node.telemetry && {
        trace: undefined,
        attempt: (facts) => residents.get(task.run)?.traced(task.position, facts),
      },
    };
  }
}
