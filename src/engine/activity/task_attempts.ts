/**
 * Attempts of activities that this node makes, of its own runs and of others', and what becomes of
 * them.
 *
 * - ATTEMPT-1, local affinity: an activity of a resident run begins at once where there is room for it.
 *   Its task is written meanwhile, or not at all if the attempt ends before that.
 * - ATTEMPT-2, at most once means it: where an attempt must not be repeated unseen (one attempt, or a key
 *   that a result is committed under), its task is durable before it begins.
 * - ATTEMPT-3, an answer is never thrown away: the resident run writes it itself, together with the end of
 *   the task; else the task's own fence decides (TASK-2 of the store).
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import type { RetryPredicate } from "../../base/backoff.ts";
import { Batcher } from "../../base/batcher.ts";
import { failPoint } from "../../base/failpoint.ts";
import { fencingToken } from "../../base/ids.ts";
import { decode } from "../../base/values.ts";
import type {
  Answered,
  LeasedTask,
  NewTask,
  TaskAnswer,
  TaskBase,
  TaskBeat,
  TaskFence,
  TaskLease,
} from "../../ports/tasks.ts";
import type { AttemptTelemetry } from "../../ports/telemetry.ts";
import type { ActivityLike } from "../../replay/commands.ts";
import {
  type Attempted,
  type AttemptHost,
  type Ending,
  RunningAttempt,
  type TaskOwner,
} from "./running_attempt.ts";
import { duty } from "../duty.ts";
import { guarded } from "../retry_predicate.ts";
import { defaultIdempotencyKey } from "../../task/idempotency_key.ts";
import { logFailure } from "../../base/log.ts";
import type { NodeContext } from "../node_context.ts";
import { RetryingBatcher } from "../retrying_batcher.ts";
import { TaskWriter } from "./task_writer.ts";
import { decideRetry, lastFailure, limitOf, unattempted } from "../../task/retry.ts";
import { asRow, type Decided, decided } from "../../task/terms.ts";
import { NO_HEADERS } from "../../workflow/headers.ts";
import { startUserCall, type UserCallResult } from "../user_call.ts";

/** Receives the outcomes of attempts. */
export interface AttemptObserver {
  /** A task waits in its queue, from that time on. */
  waits(task: TaskBase, from: number): void;
  /** A task's time is over then, unless it is answered before. */
  expires(at: number): void;
  /** An attempt has ended: there is room for another. */
  freed(): void;
}

/** The outcome of writing a result is unknown. */
const LOST: Answered = { status: "lost" };

/** A task, by what people know of it where that is at hand. */
type NamedFence = TaskFence & Partial<Pick<LeasedTask, "runId" | "name" | "namespace">>;

/** Makes attempts. */
export class TaskAttempts {
  readonly #node: NodeContext;
  readonly #observer: AttemptObserver;
  readonly #attempts = new Set<RunningAttempt>();
  readonly #byQueue = new Map<string, number>();
  readonly #taskWriter: TaskWriter;
  readonly #answers: RetryingBatcher<TaskAnswer, Answered>;
  readonly #host: AttemptHost;
  readonly #settling = new Set<Promise<void>>();
  /** Tokens of tasks whose end is being written. */
  readonly #ending = new Set<number>();

  /**
   * @param node The node.
   * @param observer Receives the outcomes of attempts.
   */
  constructor(node: NodeContext, observer: AttemptObserver) {
    const { store: { tasks: store }, databaseRetry } = node;
    this.#node = node;
    this.#observer = observer;
    this.#taskWriter = new TaskWriter(store, databaseRetry);
    this.#answers = new RetryingBatcher(
      (n) => `answer ${n} runs`,
      (answers) => store.answer(answers),
      databaseRetry,
    );
    const beats = new Batcher<TaskBeat, TaskLease | undefined>(async (beats) => {
      const held = new Map((await store.beat(beats)).map((lease) => [lease.token, lease]));
      return beats.map(({ token }) => held.get(token));
    });
    const decide = async (task: Attempted) => {
      await databaseRetry.run("write what an activity's definition says", async () => {
        await store.decide(task, task);
        return true;
      });
    };
    this.#host = { clock: node.clock, log: node.log, beats, decide };
  }

  /** How many attempts are under way. */
  get size(): number {
    return this.#attempts.size;
  }

  /** How many attempts are under way, by queue. */
  get byQueue(): ReadonlyMap<string, number> {
    return this.#byQueue;
  }

  /** How many attempts of one queue are under way. */
  inQueue(queue: string): number {
    return this.#byQueue.get(queue) ?? 0;
  }

  /** Resolves when nothing is under way, and everything is written. */
  async idle(): Promise<void> {
    while (this.#attempts.size + this.#settling.size > 0) {
      await Promise.all([...this.#settling]);
      await Promise.all([...this.#attempts].map(({ userCall, row }) => userCall?.result ?? row));
    }
  }

  /**
   * Begins an activity of a resident run at once (ATTEMPT-1).
   *
   * @param asked The task, as its row would say.
   * @param from Its run and node.
   * @param activity Its code.
   * @param owner The run.
   * @returns Aborts the attempt's signal.
   */
  begin(
    asked: TaskBase,
    from: Pick<NewTask, "runToken" | "node"> & Pick<LeasedTask, "runId" | "seed">,
    activity: ActivityLike,
    owner: TaskOwner,
  ): { abort(reason: unknown): void } {
    const now = this.#node.databaseClock.now();
    let task: Decided<TaskBase>;
    try {
      task = decided(asked, activity);
    } catch (error) {
      this.#track(this.#undecided({ ...asked, availableAt: now, closesAt: null }, owner, error));
      return { abort() {} };
    }
    const { runToken, node, runId, seed } = from;
    const token = fencingToken();
    const { scheduleToClose } = task.policy;
    const closesAt = scheduleToClose === undefined ? null : now + scheduleToClose;
    const whole = {
      ...task,
      token,
      runId,
      seed,
      scheduledAt: now,
      availableAt: now,
      closesAt,
    };
    const attempt = this.#enter({ ...whole, heartbeat: null }, owner, false);
    const row = {
      ...asRow(task),
      runToken,
      node,
      token,
      delayMs: 0,
      ageMs: 0,
      heartbeat: null,
    };
    if (task.maxAttempts !== 1 && task.key === null) {
      attempt.announce(
        this.#taskWriter.add(row, attempt).then(
          ({ status }) => status === "written",
          (error) => {
            this.#node.log.error("Cannot write a task: {error}", { error }); // the attempt continues without a task
            return false;
          },
        ),
      );
      this.#start(attempt, activity, { runToken, node });
    } else {
      this.#track(this.#beginAnnounced(attempt, row, activity)); // ATTEMPT-2
    }
    return attempt;
  }

  /**
   * Writes a task that any suitable node can claim.
   *
   * @param task The task.
   * @param owner The run.
   */
  post(task: NewTask, owner: TaskOwner): void {
    this.#track(this.#post(task, owner));
  }

  /**
   * Makes an attempt of a task that this node holds.
   *
   * @param task The task.
   * @param activity Its code.
   * @param owner The run, if it is here when the attempt has ended.
   */
  execute(task: Decided<LeasedTask>, activity: ActivityLike, owner: TaskOwner): void {
    this.#start(this.#enter(task, owner, true), activity, null);
  }

  /**
   * Ends a task that this node holds, without an attempt.
   *
   * @param fence The task.
   * @param ending How it ends.
   */
  end(fence: NamedFence, ending: Ending): void {
    this.#track(this.#answer(fence, ending), fence);
  }

  /** A try that took place elsewhere, or in no place, has failed: what follows is written. */
  fail(task: LeasedTask, error: unknown): void {
    this.#track(this.#failed(task, error, true, { attempt: null }), task);
  }

  /**
   * Finds out which attempts are lost, and which runs were cancelled.
   *
   * @param node The node.
   * @param leased Whether the database knows of tasks that the node holds.
   * @returns Tasks that it holds, and of which nothing is known here.
   */
  async check(node: string, leased: boolean): Promise<TaskFence[]> {
    const known = [...this.#attempts].filter(({ row }) => row === true);
    if (known.length === 0 && !leased) return [];
    const leases = new Map(
      (await this.#node.store.tasks.leases(node)).map((lease) => [lease.token, lease]),
    );
    for (const attempt of known) attempt.learn(leases.get(attempt.task.token));
    return [...leases.values()].filter((lease) => !this.knows(lease));
  }

  /** Whether an attempt of a task is under way here, or its end is being written. */
  knows({ token }: TaskFence): boolean {
    if (this.#ending.has(token)) return true;
    for (const { task } of this.#attempts) if (task.token === token) return true;
    return false;
  }

  /**
   * The node is closed over its attempts: their tasks go back as they were, but for those of one
   * attempt, which must not be repeated unseen (ATTEMPT-2).
   */
  async giveBack(): Promise<void> {
    for (const { row, task } of [...this.#attempts]) {
      if (row === true && task.maxAttempts !== 1) await this.#node.store.tasks.release(task);
    }
  }

  /**
   * The node has expired, and other nodes may begin what is under way here. Attempts are aborted;
   * an answer that one still gives is written if its task's fence holds.
   */
  loseAll(): void {
    for (const attempt of this.#attempts) attempt.markLost();
  }

  // ---- beginning ------------------------------------------------------------------------------

  #enter(task: Attempted, owner: TaskOwner, hasRow: boolean): RunningAttempt {
    const attempt = new RunningAttempt(task, owner, hasRow, this.#host);
    this.#attempts.add(attempt);
    this.#byQueue.set(task.queue, this.inQueue(task.queue) + 1);
    return attempt;
  }

  #leave(attempt: RunningAttempt): void {
    if (!this.#attempts.delete(attempt)) return;
    attempt.end();
    const { queue } = attempt.task;
    const left = this.inQueue(queue) - 1;
    if (left === 0) this.#byQueue.delete(queue);
    else this.#byQueue.set(queue, left);
    this.#observer.freed();
  }

  async #beginAnnounced(
    attempt: RunningAttempt,
    row: NewTask,
    activity: ActivityLike,
  ): Promise<void> {
    const { owner } = attempt;
    const announced = await this.#taskWriter.add(row, attempt);
    if (announced.status === "refused") {
      this.#leave(attempt);
      return this.#refused(attempt.task, owner, announced.error);
    }
    if (announced.status === "written") {
      await failPoint("task.announced", { run: row.run, position: row.position });
      return this.#start(attempt, activity, null);
    }
    this.#leave(attempt);
    if (announced.status === "known") {
      owner.answer({ kind: "activity.completed", payload: announced.result }, null);
    } else {
      owner.lost();
    }
  }

  #start(
    attempt: RunningAttempt,
    activity: ActivityLike,
    from: Pick<NewTask, "runToken" | "node"> | null,
  ): void {
    const { task } = attempt;
    attempt.begin(startUserCall({
      kind: "activity",
      name: task.name,
      runId: task.runId,
      headers: task.policy.headers ?? NO_HEADERS,
      attempt: task.attempt,
      idempotencyKey: () =>
        task.key ?? defaultIdempotencyKey(task.seed, { ...task, kind: "activity" }),
      limit: limitOf(task, this.#node.databaseClock.now()),
      heartbeatMs: task.policy.heartbeat,
      lastHeartbeat: task.heartbeat,
      payloadBytes: this.#node.payloadBytes,
      call: (facts) =>
        activity.execute(task.input === null ? undefined : decode(task.input), facts),
      beat: (details) => attempt.beat(details),
      token: () => attempt.token(),
      log: this.#node.log,
      around: this.#node.around?.attempt,
      telemetry: this.#telemetryOf(attempt),
    }, this.#node.clock));
    const settled = async () =>
      this.#settle(attempt, activity, await attempt.userCall!.result, from);
    duty(this.#node.log, "make an attempt", () => this.#track(settled(), task));
  }

  /** TELEMETRY-2 */
  #telemetryOf({ task, owner }: RunningAttempt): AttemptTelemetry | undefined {
    const { telemetry, databaseClock } = this.#node;
    if (telemetry === undefined) return undefined;
    const { name, attempt, queue } = task;
    const waitMs = databaseClock.now() - task.availableAt;
    const facts = { kind: "activity", name, attempt, queue, waitMs };
    return owner.telemetry?.attempt(facts) ?? telemetry.attempt(task, { ...facts, stack: null });
  }

  // ---- ending ---------------------------------------------------------------------------------

  async #settle(
    attempt: RunningAttempt,
    activity: ActivityLike,
    result: UserCallResult,
    from: Pick<NewTask, "runToken" | "node"> | null,
  ): Promise<void> {
    const { task, owner } = attempt;
    const stopped = failPoint("effect.done", { run: task.runId, position: task.position });
    if (stopped !== undefined) await stopped;
    if (result.kind === "deferred") return await this.#defer(attempt);
    this.#leave(attempt);
    const { finalRow } = attempt;
    const hasRow = typeof finalRow === "boolean" ? finalRow : await finalRow;
    if (result.kind === "returned") {
      return await this.#finish(attempt, hasRow, "activity.completed", result.payload);
    }
    const retryIf = guarded(
      activity.retry?.retryIf,
      { kind: "activity", name: task.name, runId: task.runId },
      this.#node.log,
    );
    if (hasRow || from === null) {
      return await this.#failed(task, result.error, result.retryable, { attempt, retryIf });
    }
    const now = this.#node.databaseClock.now();
    const retryable = result.retryable && !owner.isCancelled;
    const verdict = decideRetry(task, result.error, now, retryable, retryIf);
    this.#tellFailure(task, result.error, "payload" in verdict ? null : now + verdict.delayMs);
    if ("payload" in verdict) {
      return await this.#finish(attempt, false, "activity.failed", verdict.payload);
    }
    const { token: _, ...rest } = task;
    await this.#post({
      ...asRow(rest),
      ...from,
      ...verdict,
      token: null,
      attempt: task.attempt + 1,
      ageMs: now - task.scheduledAt,
      heartbeat: attempt.details,
    }, owner);
  }

  /** ATTEMPT-3. A result with a key is committed with the task's end, which only the store can do. */
  async #finish(
    attempt: RunningAttempt,
    hasRow: boolean,
    kind: Ending["kind"],
    payload: string,
  ): Promise<void> {
    const { task, owner } = attempt;
    const isDirect = !hasRow || task.key === null || kind === "activity.failed";
    if (isDirect && owner.answer({ kind, payload }, hasRow ? task : null)) return;
    if (hasRow) await this.#answer(task, { kind, payload });
  }

  async #failed(
    task: Attempted,
    error: unknown,
    retryable: boolean,
    { attempt, retryIf }: { attempt: RunningAttempt | null; retryIf?: RetryPredicate | undefined },
  ): Promise<void> {
    const { store: { tasks: store }, databaseRetry, databaseClock } = this.#node;
    const now = databaseClock.now();
    const isWanted = attempt?.owner.isCancelled !== true;
    const verdict = decideRetry(task, error, now, retryable && isWanted, retryIf);
    if ("delayMs" in verdict) {
      const { run, position, token, namespace } = task;
      const heartbeat = attempt?.details ?? null;
      const retry = { run, position, token, namespace, heartbeat, ...verdict };
      const retried = await databaseRetry.run("give a task back", () => store.retry(retry));
      if (retried !== "lost") {
        this.#tellFailure(task, error, retried === "cancelled" ? null : now + verdict.delayMs);
      }
      if (retried === "written") {
        attempt?.owner.parked();
        this.#observer.waits(task, now + verdict.delayMs);
      }
      if (retried === "lost") attempt?.owner.lost(); // or written by a try whose answer was lost
      if (retried !== "cancelled") return;
    }
    if ("payload" in verdict) this.#tellFailure(task, error, null);
    const payload = "payload" in verdict ? verdict.payload : lastFailure(task, error, now);
    if (attempt !== null) return await this.#finish(attempt, true, "activity.failed", payload);
    await this.#answer(task, { kind: "activity.failed", payload });
  }

  async #answer(fence: NamedFence, ending: Ending): Promise<void> {
    const { run, position, token, namespace } = fence;
    const answer = { run, position, token, namespace, ...ending };
    while (true) {
      const answered = await this.#answers.add(answer) ?? LOST;
      if (answered.status === "written") return this.#node.wakeups.wakeRun(run, answered.node);
      if (answered.status === "lost") {
        this.#node.log.warn("An attempt of activity {activity} of run {run} answered too late", {
          run: fence.runId,
          activity: fence.name,
        });
        return;
      }
    }
  }

  async #defer(attempt: RunningAttempt): Promise<void> {
    const { task, owner } = attempt;
    const { store: { tasks: store }, databaseRetry } = this.#node;
    const hasRow = await attempt.row;
    this.#leave(attempt);
    if (!hasRow) return owner.lost();
    await attempt.decide();
    const timeoutMs = task.policy.startToClose ?? null;
    const expiresAt = await databaseRetry.run(
      "leave an activity to others",
      () => store.defer(task, timeoutMs),
    );
    owner.parked();
    if (typeof expiresAt === "number") this.#observer.expires(expiresAt);
  }

  // ---- announcing -----------------------------------------------------------------------------

  async #post(task: NewTask, owner: TaskOwner): Promise<void> {
    const announced = await this.#taskWriter.add(task);
    if (announced.status === "refused") {
      const now = this.#node.databaseClock.now();
      return this.#refused({ ...task, availableAt: now, closesAt: null }, owner, announced.error);
    }
    if (announced.status === "known") {
      owner.answer({ kind: "activity.completed", payload: announced.result }, null);
    } else if (announced.status === "written") {
      owner.parked();
      this.#observer.waits(task, announced.at + task.delayMs);
    } else {
      owner.lost();
    }
  }

  /** The definition throws when it decides the terms of a task by name: the run receives the error. */
  async #undecided(
    task: Parameters<typeof unattempted>[0],
    owner: TaskOwner,
    error: unknown,
  ): Promise<void> {
    await Promise.resolve(); // the run receives it after its request
    owner.answer({ kind: "activity.failed", payload: unattempted(task, error) }, null);
  }

  /** The database refuses the task: the run receives the error. */
  #refused(task: Parameters<typeof unattempted>[0], owner: TaskOwner, error: unknown): void {
    this.#node.log.error("Cannot write a task: {error}", { error });
    owner.answer({ kind: "activity.failed", payload: unattempted(task, error) }, null);
  }

  /** Keeps background work; `fence` is the task whose end it writes. */
  #track(work: Promise<void>, fence?: TaskFence): void {
    if (fence !== undefined) this.#ending.add(fence.token);
    const over = work.finally(() => {
      this.#settling.delete(tracked);
      if (fence !== undefined) this.#ending.delete(fence.token);
    });
    const tracked = inBackground(
      over,
      (error) => this.#node.log.error("Cannot settle an activity: {error}", { error }),
    );
    this.#settling.add(tracked);
  }

  #tellFailure(
    { runId: run, name, attempt }: Pick<LeasedTask, "runId" | "name" | "attempt">,
    error: unknown,
    nextAt: number | null,
  ): void {
    logFailure(this.#node.log, { run, kind: "activity", name, attempt, error, nextAt });
  }
}
