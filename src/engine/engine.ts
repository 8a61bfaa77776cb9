/**
 * A node that executes runs: wires the lease, the dispatcher and the executors together, and holds
 * the runs that are resident here. Policy lives in those parts.
 *
 * - ENGINE-1: each heartbeat compares the runs that are leased to the node in the database with
 *   those that the node knows. They can differ after a statement whose answer was lost; the node
 *   then releases the runs that it does not know and drops those that it no longer holds.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { inBackground } from "../base/background.ts";
import type { Clock } from "../base/clock.ts";
import { shortHash } from "../base/text.ts";
import type { Exit } from "../ports/exit.ts";
import type { ClaimedRun, InsertedRun, LeasedNewRun } from "../ports/rows.ts";
import type { Beat, HeldRun, LocalNotice, Store } from "../ports/store.ts";
import type { Around } from "../ports/around.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { ActivityLike } from "../replay/commands.ts";
import type { WakeupNode, Wakeups } from "../store/wakeups.ts";
import { DEFAULT_QUEUE } from "../task/retry.ts";
import { NodeTasks } from "./activity/node_tasks.ts";
import type { QueueSettings } from "./activity/task_queue.ts";
import { Exclusions } from "./code/exclusions.ts";
import type { CodeSource } from "./code/source.ts";
import { DatabaseClock } from "./database_clock.ts";
import { DatabaseRetry } from "./database_retry.ts";
import { Dispatcher, type RunTaker } from "./duties/dispatcher.ts";
import { EndedRunNotifier } from "./duties/ended_run_notifier.ts";
import { LimitKeeper } from "./duties/limit_keeper.ts";
import { Retention, type RetentionSettings } from "./duties/retention.ts";
import { ScheduleRunner } from "./duties/schedule_runner.ts";
import { duty } from "./duty.ts";
import type { NodeContext } from "./node_context.ts";
import { type LeaseHolder, NodeLease } from "./node_lease.ts";
import { Calls } from "./run/calls.ts";
import { Children } from "./run/children.ts";
import { RunExecutor } from "./run/executor.ts";
import type { ExecutorContext, TurnWatch } from "./run/executor_context.ts";
import { HistoryReader } from "./run/history_reader.ts";
import { JournalWriter } from "./run/journal_writer.ts";
import { type ResidentLimits, Residents } from "./run/residents.ts";
import { VersionOffers } from "./run/version_offers.ts";
import { type UnawaitedEffect, Warnings } from "./run/warnings.ts";

/** The options of an engine. */
export interface EngineOptions extends ResidentLimits {
  /** The store. */
  readonly store: Store;
  /** The engine's log. */
  readonly log: AuthoredLog;
  /** The node's name, shown to people. */
  readonly name: string;
  /** Finds the code of runs. */
  readonly code: CodeSource;
  /** Activities registered by name. */
  readonly activities: ReadonlyMap<string, ActivityLike>;
  /** The queues of activities that this node serves; `default` alone when omitted. */
  readonly queues?: ReadonlyMap<string, QueueSettings>;
  /** The most attempts of activities at once; 200 when omitted. */
  readonly activityConcurrency?: number;
  /** Monotonic time and timers. */
  readonly clock: Clock;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** The lease: milliseconds that this node may go without a heartbeat. */
  readonly leaseMs: number;
  /** Milliseconds that a waiting run stays in memory. */
  readonly lingerMs: number;
  /** Milliseconds between two probes of versions that runs are parked for. */
  readonly probeMs: number;
  /** How long ended data is kept; for ever when omitted. */
  readonly retention?: RetentionSettings | undefined;
  /** Passes wake-ups between the node, this process and others; the node attaches itself. */
  readonly wakeups: Wakeups;
  /** Detects turns that never return; none when omitted. */
  readonly watchdog?: TurnWatch | undefined;
  /** Observes what the node does. */
  readonly telemetry?: Telemetry | undefined;
  /** Hooks of the application; none when omitted. */
  readonly around?: Around | undefined;
  /** The ids of the keys by one of which versions must be signed; none must when omitted. */
  readonly keys?: readonly string[] | undefined;
  /** Called whenever a run leaves this node's memory, before any wake-up. */
  readonly onExit?: (run: ClaimedRun, exit: Exit) => void;
  /** Called for each effect that a run did not await, in addition to the log. */
  readonly onUnawaited?: (effect: UnawaitedEffect) => void;
}

/**
 * The state of a node.
 *
 * @category Continuum
 */
export type EngineState = "ready" | "draining" | "closed";

/**
 * The summary of a drain.
 *
 * @category Continuum
 */
export interface DrainSummary {
  /** Runs that were released. */
  readonly released: number;
  /** Runs that were not released in time; their attempts were abandoned. */
  readonly forced: number;
}

const ACTIVITY_CONCURRENCY = 200;

/** A node that executes runs. */
export class Engine implements WakeupNode, LeaseHolder, RunTaker {
  readonly #options: EngineOptions;
  readonly #node: NodeContext;
  readonly #lease: NodeLease;
  readonly #residents: Residents;
  readonly #endedRuns: EndedRunNotifier;
  readonly #limits: LimitKeeper;
  readonly #schedules: ScheduleRunner;
  readonly #tasks: NodeTasks;
  readonly #context: ExecutorContext;
  readonly #dispatcher: Dispatcher;
  readonly #retention: Retention | undefined;
  #state: EngineState = "ready";
  #draining: Promise<DrainSummary> | undefined;
  #probing: Promise<void> | undefined;
  #probedAt = -Infinity;
  /** Tokens with which unanswered statements may lease runs to this node. */
  readonly #expected = new Set<number>();
  #recovered = { runs: 0, tasks: 0 };

  /** @param options Its options. */
  constructor(options: EngineOptions) {
    const { store, log, clock, code, wakeups, payloadBytes, name, leaseMs, activities } = options;
    const { activityConcurrency: concurrency = ACTIVITY_CONCURRENCY } = options;
    const queues = options.queues ?? new Map([[DEFAULT_QUEUE, { concurrency, rate: null }]]);
    this.#options = options;
    const parts = {
      store,
      log,
      clock,
      databaseClock: new DatabaseClock(clock),
      databaseRetry: new DatabaseRetry(clock, store, log),
      code,
      exclusions: new Exclusions(clock, options.probeMs),
      wakeups,
      payloadBytes,
      telemetry: options.telemetry,
      around: options.around,
    };
    const { keys } = options;
    const serves = {
      queues: [...queues.keys()],
      activities: [...activities.keys()],
      concurrency: [...queues.values()].reduce((sum, queue) => sum + queue.concurrency, 0),
      ...(keys === undefined ? {} : { keys }),
    };
    this.#lease = new NodeLease(parts, { name, serves, leaseMs });
    const node = this.#node = { ...parts, lease: this.#lease };
    this.#residents = new Residents(wakeups, options);
    this.#endedRuns = new EndedRunNotifier(node);
    this.#limits = new LimitKeeper(node);
    this.#schedules = new ScheduleRunner(node, this.#endedRuns);
    this.#tasks = new NodeTasks(node, { activities, queues, concurrency }, this.#residents);
    const children = new Children(node, this.#endedRuns);
    this.#context = {
      ...node,
      histories: new HistoryReader(node),
      journal: new JournalWriter(node),
      children,
      calls: new Calls(node, children),
      relatives: this.#endedRuns,
      tasks: this.#tasks,
      residents: this.#residents,
      offers: new VersionOffers(node, options.watchdog),
      warnings: new Warnings(log, options.onUnawaited),
      lingerMs: options.lingerMs,
      watchdog: options.watchdog,
    };
    this.#dispatcher = new Dispatcher(node, this.#residents, this);
    this.#retention = options.retention && new Retention(node, options.retention);
    wakeups.attach(this);
  }

  /** This node's id. It changes when the node expires. */
  get node(): string {
    return this.#lease.id;
  }

  /** The node's state. */
  get state(): EngineState {
    return this.#state;
  }

  /** Why this node takes no work; `null`: it does. */
  get trouble(): string | null {
    if (this.#state !== "ready") return `it is ${this.#state}`;
    if (this.#lease.trouble !== null) return `its last heartbeat failed: ${this.#lease.trouble}`;
    if (!this.#lease.fresh()) return "its heartbeats are overdue";
    const { trouble } = this.#dispatcher;
    return trouble === null ? null : `it cannot look for due runs: ${trouble}`;
  }

  /** How many leases this node held unknowingly and released since it was opened. */
  get recovered(): { readonly runs: number; readonly tasks: number } {
    return { ...this.#recovered };
  }

  /**
   * Announces that a statement is about to lease a run to this node, under the caller's token.
   *
   * @param token The token.
   * @returns A function that reports whether the run was leased or not, or that this is unknown:
   * then the node polls.
   */
  expect(token: number): (outcome: "settled" | "unknown") => void {
    this.#expected.add(token);
    return (outcome) => {
      if (this.#expected.delete(token) && outcome === "unknown") this.#lease.invalidate();
    };
  }

  /** How many runs are in memory. */
  get resident(): number {
    return this.#residents.size;
  }

  /** How many attempts of activities are under way, by queue. */
  get attempts(): ReadonlyMap<string, number> {
    return this.#tasks.attempts;
  }

  /** Opens the node and begins to execute due runs. */
  async open(): Promise<void> {
    const { clock, databaseClock, store } = this.#node;
    const requestedAt = clock.monotonic();
    databaseClock.note(await store.now(), requestedAt);
    try {
      await this.#lease.open(this);
      this.#dispatcher.pollNow();
      this.#schedules.pollNow();
      this.#tasks.pollNow();
      await this.#dispatcher.plan();
    } catch (error) {
      await this.close(0); // else it would poll, and renew its lease, after its store is closed
      throw error;
    }
  }

  /** Whether a run that is inserted now may be leased to this node at once. */
  get hasRoom(): boolean {
    return this.#state === "ready" && this.#residents.room > 0 && this.#lease.fresh();
  }

  /** Whether this node certainly claims one more due run (WAKEUP-2). */
  get takesAnyRun(): boolean {
    return this.hasRoom && this.#node.exclusions.list().length === 0;
  }

  /**
   * Executes a run that was inserted with this node's lease.
   *
   * @param run The run, as it was inserted.
   * @param inserted The result of the insert.
   * @returns Resolves when the run has left this node's memory.
   */
  take(run: LeasedNewRun, inserted: InsertedRun): Promise<Exit> {
    const { namespace, runId, workflow, hash, specifier, input, seed, lease: { token } } = run;
    const { id, at: startedAt, deadline, policy } = inserted;
    this.#node.databaseClock.note(startedAt);
    return this.#execute({
      id,
      namespace,
      runId,
      workflow,
      hash,
      specifier,
      input,
      seed,
      startedAt,
      token,
      generation: 0,
      attempt: 1,
      deadline,
      policy,
      firstSeq: 0,
      claims: 1,
      began: true,
      deliveredSeq: null,
      origin: null,
      createdAt: startedAt,
      startAt: null,
      dueAt: startedAt,
      trace: run.trace ?? null,
    }, run.signal === undefined).left;
  }

  /** Receives a wake-up, from this process or another. */
  receive(notice: LocalNotice): void {
    switch (notice.kind) {
      case "due": {
        const { at } = notice;
        if (at === undefined || at <= this.#node.databaseClock.now()) this.#dispatcher.pollNow();
        else this.#dispatcher.pollAt(at);
        return;
      }
      case "scheduled":
        return this.#schedules.pollNow();
      case "ended":
        return this.#schedules.ended(notice.runId);
      case "tasks":
        return this.#tasks.pollNow();
      case "limits":
        return this.#limits.pollNow();
      case "message":
        if (notice.node === this.node) this.#residents.deliver([notice.run]);
        return;
      case "denials":
        return this.#heed();
      case "available":
        this.#node.exclusions.remove(notice.hash);
        this.#dispatcher.pollNow();
        this.#tasks.pollNow();
    }
  }

  /** Polls for everything, since notifications may have been lost. */
  async catchUp(): Promise<void> {
    this.#schedules.pollNow();
    this.#dispatcher.pollNow();
    this.#tasks.pollNow();
    this.#endedRuns.pollNow();
    this.#limits.pollNow();
    this.#heed();
    this.#residents.deliver(await this.#node.store.runs.woken(this.node));
  }

  /**
   * Claims no more runs, lets attempts under way finish, and releases every run. A second call
   * returns the same summary.
   *
   * @param timeoutMs Milliseconds after which attempts under way are abandoned.
   */
  drain(timeoutMs: number): Promise<DrainSummary> {
    return this.#draining ??= this.#drain(timeoutMs);
  }

  /** Drains, and removes the node. */
  async close(timeoutMs: number): Promise<DrainSummary> {
    const summary = await this.drain(timeoutMs);
    if (this.#state !== "closed") {
      this.#state = "closed";
      this.#node.databaseRetry.end();
      await this.#probing;
      await this.#endedRuns.close();
      await this.#limits.close();
      await this.#lease.close();
    }
    return summary;
  }

  async #drain(timeoutMs: number): Promise<DrainSummary> {
    this.#state = "draining";
    const paused = Promise.all([
      this.#schedules.pause(),
      this.#dispatcher.pause(),
      this.#tasks.pause(),
      this.#retention?.pause(),
    ]);
    const leaving = new Map(this.#residents.entries());
    for (const resident of leaving.keys()) resident.stop(); // no run starts an effect meanwhile
    await paused;
    // The last claims may have added more.
    for (const [resident, left] of this.#residents.entries()) leaving.set(resident, left);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#node.clock.after(timeoutMs, resolve);
    const gone = Promise.all(leaving.values()).then(() => this.#tasks.idle());
    await Promise.race([gone, late]);
    timer.cancel();
    const forced = this.#residents.size;
    await this.#tasks.giveBack();
    this.expired();
    return { released: leaving.size - forced, forced };
  }

  /** Executes a run that was claimed. */
  adopt(run: ClaimedRun): void {
    this.#execute(run, false);
  }

  /** Executes a run; `fresh`: this node has just inserted it, so there is no history to read. */
  #execute(run: ClaimedRun, fresh: boolean): { readonly left: Promise<Exit> } {
    const executor = new RunExecutor(run, this.#context);
    const { telemetry } = this.#node;
    const left = telemetry === undefined
      ? executor.drive(fresh)
      : telemetry.detached(() => executor.drive(fresh));
    this.#residents.add(executor, left);
    duty(this.#node.log, "let a run leave this node's memory", async () => {
      const exit = await left;
      this.#residents.remove(executor);
      this.#exited(run, exit);
    });
    this.#node.wakeups.receive({ kind: "moved", runId: run.runId });
    if (this.#state !== "ready") executor.stop();
    return { left };
  }

  #exited(run: ClaimedRun, exit: Exit): void {
    const { databaseClock, wakeups } = this.#node;
    const { runId } = run;
    if (exit.kind === "ended" && exit.mustNotify) this.#endedRuns.pollNow();
    if (exit.kind === "lost") {
      // A write of this node whose answer was lost may have caused this, so the node polls for what
      // that write made due.
      this.#endedRuns.pollNow();
      this.#dispatcher.pollAt(databaseClock.now());
    }
    this.#options.onExit?.(run, exit);
    if (exit.kind === "suspended" || exit.kind === "paused" || exit.kind === "released") {
      wakeups.receive({ kind: "moved", runId });
    } else wakeups.ended(runId, "watched" in exit && exit.watched);
    if (exit.kind === "suspended") this.#dispatcher.pollAt(exit.wakeAt);
    this.#residents.checkRoom();
  }

  // ---- the lease ------------------------------------------------------------------------------

  /** Returns the runs in memory. */
  held(): readonly HeldRun[] {
    return this.#residents.held();
  }

  /** Drops all runs and tasks, since the lease is lost. */
  expired(): void {
    this.#residents.dropAll();
    this.#tasks.loseAll();
  }

  /**
   * ENGINE-1: once all claims under way are answered, releases the runs that are leased to this
   * node in the database and that it does not know. If another owner holds such a run by then, the
   * fence refuses the release.
   */
  async #giveBack(unknown: readonly HeldRun[]): Promise<void> {
    const { node } = this;
    await this.#dispatcher.claimed();
    const lost = unknown.filter(({ id, token }) =>
      this.#residents.get(id)?.run.token !== token && !this.#expected.has(token)
    );
    if (lost.length === 0 || node !== this.node) return;
    const runs = await this.#node.store.runs.giveBack(node, lost);
    if (runs === 0) return;
    this.#recovered.runs += runs;
    this.#node.log.warn(
      "Node {node} held {runs} runs without knowing of them, and gave them back",
      {
        node,
        runs,
      },
    );
    this.#node.wakeups.due();
  }

  /**
   * Called when a heartbeat was answered, or the node has reopened: polls for what lost
   * notifications may have announced.
   */
  beat(beat: Beat): void {
    const { clock, databaseClock } = this.#node;
    const { stuck, mustNotify, tasks, nextWake, nextFire, nextLimit } = beat;
    const { woken, unknown, gone, leased } = beat;
    if (beat.alive && unknown.length > 0) {
      duty(
        this.#node.log,
        "give back runs that the node holds unknowingly",
        () => this.#giveBack(unknown),
      );
    }
    if (beat.alive) this.#residents.deliver(gone); // they read their rows, and leave
    this.#schedules.dueAt(nextFire);
    this.#limits.pollAt(nextLimit);
    this.#residents.wakeAll();
    this.#residents.deliver(woken);
    if (mustNotify) this.#endedRuns.pollNow();
    this.#retention?.beat();
    const { denials } = this.#node.code;
    if (denials !== undefined && denials.stamp !== beat.denials) this.#heed();
    if (tasks) {
      duty(this.#node.log, "check tasks", async () => {
        this.#recovered.tasks += await this.#tasks.check(leased);
      });
    }
    if (nextWake !== null && nextWake <= databaseClock.now()) this.#dispatcher.pollNow();
    else this.#dispatcher.pollAt(nextWake);
    if (stuck && clock.monotonic() - this.#probedAt >= this.#options.probeMs) {
      this.#probing ??= inBackground(
        this.#probe().finally(() => this.#probing = undefined),
        (error) =>
          this.#node.log.warn("Cannot probe the versions that runs are parked for: {error}", {
            error,
          }),
      );
    }
  }

  /** DENIAL-1 of `version/denials.ts`: reads the denials, and parks the runs of versions that they bar. */
  #heed(): void {
    duty(this.#node.log, "heed denials of versions", async () => {
      await this.#node.code.denials?.heed();
      for (const [resident] of this.#residents.entries()) {
        const reason = this.#node.code.denials?.reason(resident.run.hash);
        if (reason !== undefined) resident.park(reason);
      }
    });
  }

  /** Revives parked runs whose versions are available again. */
  async #probe(): Promise<void> {
    this.#probedAt = this.#node.clock.monotonic();
    const { code, store: { versions }, wakeups } = this.#node;
    for (const hash of await versions.stuck()) {
      if (!await code.probe(hash)) continue;
      const revived = await versions.revive(hash, this.node);
      this.#node.log.info("Version {version} is available again, and {revived} runs continue", {
        version: shortHash(hash),
        hash,
        revived,
      });
      wakeups.receive({ kind: "available", hash });
    }
  }
}
