/**
 * Attempts of activities that this node makes, of its own runs and of others', and what becomes of
 * them.
 *
 * - A1, local affinity: an activity of a resident run begins at once where there is room for it. Its
 *   task is written meanwhile, or not at all if the attempt ends before that.
 * - A2, at most once means it: where an attempt must not be repeated unseen (one attempt, or a key
 *   that a result is committed under), its task is durable before it begins.
 * - A3, an answer is never thrown away: the resident run writes it itself, together with the end of
 *   the task; else the task's own fence decides (T2 of the store).
 * - A4, a heartbeat that fails for the database's sake loses nothing; only a fence that does not
 *   match says that the attempt is lost.
 *
 * @module
 */

import { Batcher } from "../base/batcher.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { CancelledError, isContinuumError, TimeoutError } from "../base/errors.ts";
import { failPoint } from "../base/failpoint.ts";
import { fencingToken } from "../base/ids.ts";
import { decode } from "../base/values.ts";
import type {
  Announced,
  Answered,
  LeasedTask,
  NewTask,
  TaskAnswer,
  TaskBase,
  TaskBeat,
  TaskFence,
  TaskLease,
  TaskStore,
} from "../ports/tasks.ts";
import type { ActivityLike } from "../replay/commands.ts";
import { keyOf } from "./attempt.ts";
import type { DatabaseClock } from "./database_clock.ts";
import { engineLog } from "./log.ts";
import type { Patience } from "./patience.ts";
import { AttemptLostError } from "./task_errors.ts";
import { judge } from "./task_spec.ts";
import { formatToken } from "./task_token.ts";
import { begin, type RunningTrial, type TrialResult } from "./trial.ts";

/** How an activity ended. */
export type Ending = Pick<TaskAnswer, "kind" | "payload">;

/** The run that asked for an activity, if it is resident. */
export interface TaskOwner {
  /** Whether a cancellation has reached the activity: no other attempt follows. */
  readonly isCancelled: boolean;
  /**
   * Takes how the activity ended, to write it; `fence` names the task that is to go with that.
   * `false`: the run is not here any more, or asks no longer.
   */
  answer(ending: Ending, fence: TaskFence | null): boolean;
  /** The task waits as a row: its end comes by message. */
  parked(): void;
  /** The task could not be written: somebody else holds the run. */
  lost(): void;
}

/** What attempts need from their node. */
export interface TaskAttemptsOptions {
  /** Where tasks are kept. */
  readonly store: TaskStore;
  /** Times attempts. */
  readonly clock: Clock;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** Waits for a database that is away. */
  readonly patience: Patience;
  /** A run has a message: whoever holds it is told. */
  readonly tell: (run: number, node: string | null) => void;
  /** A task waits in its queue, from that time on. */
  readonly waits: (task: TaskBase, from: number) => void;
  /** An attempt has ended: there is room. */
  readonly freed: () => void;
}

/** How often an attempt's heartbeats are written at most, in milliseconds. */
const BEAT_MS = 500;

interface Announcement {
  readonly task: NewTask;
  readonly attempt?: Attempt;
}

/** The parts of a task that an attempt goes by. */
type Attempted =
  & TaskBase
  & TaskFence
  & Pick<
    LeasedTask,
    "generation" | "runId" | "scheduledAt" | "availableAt" | "closesAt" | "heartbeat"
  >;

interface Attempt {
  readonly task: Attempted;
  readonly owner: TaskOwner;
  trial: RunningTrial | undefined;
  /** Set where nobody wants its answer any more. */
  aborted: { readonly reason: unknown } | undefined;
  /** Whether the task's row is there; settles once that is known. */
  row: Promise<boolean> | boolean;
  /** Whether the announcement is on its way, and can't be left out any more. */
  sent: boolean;
  ended: boolean;
  lost: boolean;
  /** Details that are not written yet. */
  details: string | null;
  beatAt: number;
  beatTimer: Timer | undefined;
}

/** Makes attempts. */
export class TaskAttempts {
  readonly #options: TaskAttemptsOptions;
  readonly #attempts = new Set<Attempt>();
  readonly #byQueue = new Map<string, number>();
  readonly #announcements: Batcher<Announcement, Announced | { readonly status: "skipped" }>;
  readonly #answers: Batcher<TaskAnswer, Answered>;
  readonly #beats: Batcher<TaskBeat, TaskLease | undefined>;
  readonly #settling = new Set<Promise<void>>();

  /** @param options What they need. */
  constructor(options: TaskAttemptsOptions) {
    const { store, patience } = options;
    this.#options = options;
    this.#announcements = new Batcher((batch) => this.#announceAll(batch));
    this.#answers = new Batcher(async (answers) =>
      await patience.until(`answer ${answers.length} runs`, () => store.answer(answers)) ??
        answers.map(() => ({ status: "lost" }))
    );
    this.#beats = new Batcher(async (beats) => {
      const held = new Map((await store.beat(beats)).map((lease) => [lease.token, lease]));
      return beats.map(({ token }) => held.get(token));
    });
  }

  /** How many attempts are under way. */
  get size(): number {
    return this.#attempts.size;
  }

  /** How many attempts of one queue are under way. */
  inQueue(queue: string): number {
    return this.#byQueue.get(queue) ?? 0;
  }

  /** Resolves when nothing is under way, and everything is written. */
  async idle(): Promise<void> {
    while (this.#attempts.size + this.#settling.size > 0) {
      await Promise.all([...this.#settling]);
      await Promise.all([...this.#attempts].map(({ trial, row }) => trial?.result ?? row));
    }
  }

  /**
   * Begins an activity of a resident run at once (A1).
   *
   * @param task The task.
   * @param from Its run and node.
   * @param activity Its code.
   * @param owner The run.
   * @returns Aborts the attempt's signal.
   */
  begin(
    task: TaskBase,
    from: Pick<NewTask, "runToken" | "node"> & Pick<LeasedTask, "runId" | "generation">,
    activity: ActivityLike,
    owner: TaskOwner,
  ): { abort(reason: unknown): void } {
    const now = this.#options.databaseClock.now();
    const { runToken, node, runId, generation } = from;
    const token = fencingToken();
    const { scheduleToClose } = task.policy;
    const closesAt = scheduleToClose === undefined ? null : now + scheduleToClose;
    const whole = {
      ...task,
      token,
      runId,
      generation,
      scheduledAt: now,
      availableAt: now,
      closesAt,
    };
    const attempt = this.#enter({ ...whole, heartbeat: null }, owner, false);
    const row = { ...task, runToken, node, token, delayMs: 0, ageMs: 0, heartbeat: null };
    if (task.maxAttempts !== 1 && task.key === null) {
      attempt.row = this.#announce({ task: row, attempt }).then(({ status }) =>
        status === "written"
      );
      this.#start(attempt, activity, { runToken, node });
    } else {
      this.#track(this.#beginAnnounced(attempt, row, activity)); // A2
    }
    return {
      abort(reason) {
        attempt.aborted ??= { reason };
        attempt.trial?.abort(reason);
      },
    };
  }

  /**
   * Writes a task for whoever can take it.
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
  execute(task: LeasedTask, activity: ActivityLike, owner: TaskOwner): void {
    this.#start(this.#enter(task, owner, true), activity, null);
  }

  /**
   * Ends a task that this node holds, without an attempt.
   *
   * @param fence The task.
   * @param ending How it ends.
   */
  end(fence: TaskFence, ending: Ending): void {
    this.#track(this.#answer(fence, ending));
  }

  /** A try that took place elsewhere, or in no place, has failed: what follows is written. */
  fail(task: LeasedTask, error: unknown): void {
    this.#track(this.#failed(task, error, true, null));
  }

  /** Finds out which attempts are lost, and which runs were cancelled. */
  async check(node: string): Promise<void> {
    const known = [...this.#attempts].filter(({ row }) => row === true);
    if (known.length === 0) return;
    const leases = new Map(
      (await this.#options.store.leases(node)).map((lease) => [lease.token, lease]),
    );
    for (const attempt of known) this.#learn(attempt, leases.get(attempt.task.token));
  }

  /** The node was buried: others may begin what is under way here. Answers are still worth a try. */
  loseAll(): void {
    for (const attempt of this.#attempts) this.#lose(attempt);
  }

  // ---- beginning ------------------------------------------------------------------------------

  #enter(task: Attempted, owner: TaskOwner, row: boolean): Attempt {
    const attempt: Attempt = {
      task,
      owner,
      row,
      trial: undefined,
      aborted: undefined,
      sent: row,
      ended: false,
      lost: false,
      details: null,
      beatAt: -Infinity,
      beatTimer: undefined,
    };
    this.#attempts.add(attempt);
    this.#byQueue.set(task.queue, this.inQueue(task.queue) + 1);
    return attempt;
  }

  #leave(attempt: Attempt): void {
    if (!this.#attempts.delete(attempt)) return;
    attempt.ended = true;
    attempt.beatTimer?.cancel();
    const { queue } = attempt.task;
    const left = this.inQueue(queue) - 1;
    if (left === 0) this.#byQueue.delete(queue);
    else this.#byQueue.set(queue, left);
    this.#options.freed();
  }

  async #beginAnnounced(attempt: Attempt, row: NewTask, activity: ActivityLike): Promise<void> {
    const { owner } = attempt;
    const announced = await this.#announce({ task: row });
    attempt.row = attempt.sent = announced.status === "written";
    if (attempt.row) {
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
    attempt: Attempt,
    activity: ActivityLike,
    from: Pick<NewTask, "runToken" | "node"> | null,
  ): void {
    const { task } = attempt;
    const { policy, closesAt } = task;
    const left = closesAt === null ? Infinity : closesAt - this.#options.databaseClock.now();
    const timeoutMs = Math.min(policy.startToClose ?? Infinity, Math.max(0, left));
    attempt.trial = begin({
      kind: "activity",
      name: task.name,
      runId: task.runId,
      attempt: task.attempt,
      idempotencyKey: task.key ?? keyOf(task, task.position),
      timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
      heartbeatMs: policy.heartbeat,
      lastHeartbeat: task.heartbeat,
      payloadBytes: this.#options.payloadBytes,
      call: (facts) =>
        activity.execute(task.input === null ? undefined : decode(task.input), facts),
      beat: (details) => this.#beat(attempt, details),
      token: () => this.#token(attempt),
    }, this.#options.clock);
    if (attempt.aborted !== undefined) attempt.trial.abort(attempt.aborted.reason);
    attempt.trial.result.then((result) => this.#track(this.#settle(attempt, result, from)));
  }

  // ---- ending ---------------------------------------------------------------------------------

  async #settle(
    attempt: Attempt,
    result: TrialResult,
    from: Pick<NewTask, "runToken" | "node"> | null,
  ): Promise<void> {
    const { task, owner } = attempt;
    const stopped = failPoint("effect.done", { run: task.runId, position: task.position });
    if (stopped !== undefined) await stopped;
    if (result.kind === "deferred") return await this.#defer(attempt);
    this.#leave(attempt);
    const hasRow = attempt.sent && (attempt.row === true || await attempt.row);
    if (result.kind === "returned") {
      return await this.#finish(attempt, hasRow, "activity.completed", result.payload);
    }
    if (hasRow || from === null) {
      return await this.#failed(task, result.error, result.retryable, attempt);
    }
    const now = this.#options.databaseClock.now();
    const verdict = judge(task, result.error, now, result.retryable && !owner.isCancelled);
    if ("payload" in verdict) {
      return await this.#finish(attempt, false, "activity.failed", verdict.payload);
    }
    const { token: _, ...rest } = task;
    await this.#post({
      ...rest,
      ...from,
      ...verdict,
      token: null,
      attempt: task.attempt + 1,
      ageMs: now - task.scheduledAt,
      heartbeat: attempt.details,
    }, owner);
  }

  /** A3. A result with a key is committed with the task's end, which only the store can do. */
  async #finish(
    attempt: Attempt,
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
    attempt: Attempt | null,
  ): Promise<void> {
    const { store, patience, databaseClock } = this.#options;
    const now = databaseClock.now();
    const verdict = judge(task, error, now, retryable && attempt?.owner.isCancelled !== true);
    if ("delayMs" in verdict) {
      const { run, position, token } = task;
      const heartbeat = attempt?.details ?? null;
      const retry = { run, position, token, heartbeat, ...verdict };
      const retried = await patience.until("give a task back", () => store.retry(retry));
      if (retried === "written") {
        attempt?.owner.parked();
        this.#options.waits(task, now + verdict.delayMs);
      }
      if (retried !== "cancelled") return;
    }
    const last = "payload" in verdict ? verdict : judge(task, error, now, false);
    if (!("payload" in last)) return;
    if (attempt !== null) return await this.#finish(attempt, true, "activity.failed", last.payload);
    await this.#answer(task, { kind: "activity.failed", payload: last.payload });
  }

  async #answer(fence: TaskFence, ending: Ending): Promise<void> {
    const { run, position, token } = fence;
    while (true) {
      const answered = await this.#answers.add({ run, position, token, ...ending });
      if (answered.status === "written") return this.#options.tell(run, answered.node);
      if (answered.status === "lost") {
        engineLog.warn("An attempt at position {position} of run {run} answered too late", {
          run,
          position,
        });
        return;
      }
    }
  }

  async #defer(attempt: Attempt): Promise<void> {
    const { task, owner } = attempt;
    const { store, patience } = this.#options;
    const hasRow = await attempt.row;
    this.#leave(attempt);
    if (!hasRow) return owner.lost();
    const timeoutMs = task.policy.startToClose ?? null;
    const deferred = await patience.until(
      "leave an activity to others",
      () => store.defer(task, timeoutMs),
    );
    owner.parked();
    if (deferred === true) this.#options.waits(task, Infinity);
  }

  // ---- announcing -----------------------------------------------------------------------------

  async #post(task: NewTask, owner: TaskOwner): Promise<void> {
    const announced = await this.#announce({ task });
    if (announced.status === "known") {
      owner.answer({ kind: "activity.completed", payload: announced.result }, null);
    } else if (announced.status === "written") {
      owner.parked();
      this.#options.waits(task, announced.at + task.delayMs);
    } else {
      owner.lost();
    }
  }

  async #announce(
    announcement: Announcement,
  ): Promise<Announced | { readonly status: "skipped" }> {
    const announced = await this.#announcements.add(announcement);
    const { attempt } = announcement;
    if (attempt !== undefined && announced.status !== "skipped") { // no row: another's run, or none
      attempt.row = announced.status === "written";
      if (!attempt.row) this.#lose(attempt);
    }
    return announced;
  }

  /** Attempts that have ended meanwhile need no row. */
  async #announceAll(
    batch: readonly Announcement[],
  ): Promise<(Announced | { readonly status: "skipped" })[]> {
    const { store, patience } = this.#options;
    const wanted = batch.filter(({ attempt }) => attempt?.ended !== true);
    for (const { attempt } of wanted) if (attempt !== undefined) attempt.sent = true;
    const tasks = wanted.map(({ task }) => task);
    const written = tasks.length === 0
      ? []
      : await patience.until(`write ${tasks.length} tasks`, () => store.announce(tasks)) ?? [];
    const results = new Map(wanted.map((item, index) => [item, written[index]]));
    return batch.map((item) =>
      results.has(item) ? results.get(item) ?? { status: "lost" } : { status: "skipped" }
    );
  }

  // ---- signs of life --------------------------------------------------------------------------

  async #token(attempt: Attempt): Promise<string> {
    if (await attempt.row) return formatToken(attempt.task);
    throw new AttemptLostError(attempt.task.name, attempt.task.attempt);
  }

  async #beat(attempt: Attempt, details: string): Promise<void> {
    const { clock } = this.#options;
    const { name, attempt: n } = attempt.task;
    if (attempt.lost) throw new AttemptLostError(name, n);
    attempt.details = details;
    if (attempt.beatTimer !== undefined) return;
    const { aborted } = attempt;
    const isDoubtful = aborted !== undefined && !isContinuumError(aborted.reason, "CANCELLED");
    const wait = attempt.beatAt + BEAT_MS - clock.monotonic();
    if (wait > 0 && !isDoubtful) {
      attempt.beatTimer = clock.after(wait, () => {
        attempt.beatTimer = undefined;
        this.#write(attempt).catch((error) =>
          // A4
          engineLog.warn("Cannot write a heartbeat: {error}", { error })
        );
      });
      return;
    }
    await this.#write(attempt);
    if (attempt.lost) throw new AttemptLostError(name, n);
  }

  async #write(attempt: Attempt): Promise<void> {
    const { details, task: { run, position, token } } = attempt;
    attempt.beatAt = this.#options.clock.monotonic();
    if (!await attempt.row) return this.#lose(attempt);
    const lease = await this.#beats.add({ run, position, token, details });
    if (attempt.details === details) attempt.details = null;
    this.#learn(attempt, lease);
  }

  #learn(attempt: Attempt, lease: TaskLease | undefined): void {
    if (attempt.ended) return;
    if (lease === undefined) this.#lose(attempt);
    else if (lease.cancelRequested) attempt.trial?.abort(new CancelledError(null));
  }

  #lose(attempt: Attempt): void {
    attempt.lost = true;
    attempt.trial?.abort(new AttemptLostError(attempt.task.name, attempt.task.attempt));
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch((error) =>
      engineLog.error("Cannot settle an activity: {error}", { error })
    ).finally(() => this.#settling.delete(tracked));
    this.#settling.add(tracked);
  }
}

/** Why a task's time is over, whose time is over. */
export function expiryOf(task: LeasedTask, now: number): { error: Error; retryable: boolean } {
  const what = `activity ${JSON.stringify(task.name)}`;
  const { closesAt, policy } = task;
  if (closesAt !== null && closesAt <= now) {
    const ms = policy.scheduleToClose;
    const error = new TimeoutError(`Cannot execute ${what}: it did not end within ${ms} ms`, {
      timeout: "scheduleToClose",
    });
    return { error, retryable: false };
  }
  if (task.was === "external") {
    const error = new TimeoutError(
      `Attempt ${task.attempt} of ${what} was not completed from outside in time`,
      { timeout: policy.heartbeat === undefined ? "startToClose" : "heartbeat" },
    );
    return { error, retryable: true };
  }
  const ms = policy.scheduleToStart;
  const error = new TimeoutError(`Cannot execute ${what}: no node began it within ${ms} ms`, {
    timeout: "scheduleToStart",
  });
  return { error, retryable: false };
}
