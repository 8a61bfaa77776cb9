/**
 * A node that executes runs: wires the lease, the dispatcher and the executors together, and holds
 * the runs that are resident here. Policy lives in those parts.
 *
 * - ENGINE-1: what the database says that a node holds, and what the node knows to hold, are compared at
 *   each heartbeat. A statement whose answer was lost may have made the difference; it does not
 *   stay.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import type { Clock } from "../base/clock.ts";
import { shortHash } from "../base/text.ts";
import type { ClaimedRun, InsertedRun, LeasedNewRun, LoadedRun } from "../ports/rows.ts";
import type { WokenRun } from "../ports/lineage.ts";
import type { Beat, HeldRun, Notice, Store } from "../ports/store.ts";
import type { ActivityLike } from "../replay/commands.ts";
import type { TurnPulse } from "../replay/effects.ts";
import { EndedRunNotifier } from "./duties/ended_run_notifier.ts";
import { Children } from "./run/children.ts";
import type { CodeSource } from "./code/source.ts";
import { duty } from "./duty.ts";
import { DatabaseClock } from "./database_clock.ts";
import { Dispatcher } from "./duties/dispatcher.ts";
import type { Exit } from "../ports/exit.ts";
import { RunExecutor } from "./run/executor.ts";
import type { ExecutorContext, Lingerer } from "./run/executor_context.ts";
import { JournalWriter } from "./run/journal_writer.ts";
import { engineLog } from "../base/log.ts";
import { NodeLease } from "./node_lease.ts";
import { NodeTasks } from "./activity/node_tasks.ts";
import { DatabaseRetry } from "./database_retry.ts";
import { RetryingBatcher } from "./retrying_batcher.ts";
import { type UnawaitedEffect, Warnings } from "./run/warnings.ts";
import { Retention, type RetentionSettings } from "./duties/retention.ts";
import { ScheduleRunner } from "./duties/schedule_runner.ts";
import type { QueueSettings } from "./activity/task_queue.ts";
import { DEFAULT_QUEUE } from "../task/retry.ts";
import { Exclusions } from "./code/exclusions.ts";

const immediate: typeof setImmediate = setImmediate;

/** What an engine is made of. */
export interface EngineOptions {
  /** Where everything is kept. */
  readonly store: Store;
  /** A name for people. */
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
  /** Milliseconds that this node lives without a heartbeat. */
  readonly leaseMs: number;
  /** Milliseconds that a waiting run stays in memory. */
  readonly lingerMs: number;
  /** The most runs in memory at once. */
  readonly maxResidentRuns: number;
  /** How many bytes of histories may be in memory when another run is taken. */
  readonly maxResidentBytes: number;
  /** Milliseconds between two probes of versions that runs are parked for. */
  readonly probeMs: number;
  /** How long what is over is kept; for ever when omitted. */
  readonly retention?: RetentionSettings | undefined;
  /** Watches that turns return; nobody does when omitted. */
  readonly watch?: ((run: ClaimedRun) => TurnPulse) | undefined;
  /** Told whenever a run has come into this node's memory. */
  readonly onArrival?: (run: ClaimedRun) => void;
  /** Told whenever a run leaves this node's memory. */
  readonly onExit: (run: ClaimedRun, exit: Exit) => void;
  /** Told of effects that nobody awaited, beside the log. */
  readonly onUnawaited?: (effect: UnawaitedEffect) => void;
}

/**
 * Where a node stands.
 *
 * @category Continuum
 */
export type EngineState = "ready" | "draining" | "closed";

/**
 * What a drain came to.
 *
 * @category Continuum
 */
export interface DrainSummary {
  /** Runs that left in good order. */
  readonly released: number;
  /** Runs that did not leave in time; their attempts were abandoned. */
  readonly forced: number;
}

const ACTIVITY_CONCURRENCY = 200;

/** A node that executes runs. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #databaseClock: DatabaseClock;
  readonly #lease: NodeLease;
  readonly #databaseRetry: DatabaseRetry;
  readonly #dispatcher: Dispatcher;
  readonly #schedules: ScheduleRunner;
  readonly #exclusions: Exclusions;
  readonly #tasks: NodeTasks;
  readonly #context: ExecutorContext;
  readonly #endedRuns: EndedRunNotifier;
  readonly #retention: Retention | undefined;
  readonly #residents = new Map<number, { executor: RunExecutor; left: Promise<Exit> }>();
  /** Residents that do nothing but linger, the longest first. */
  readonly #lingering = new Set<Lingerer>();
  /** Of the histories in memory. */
  #bytes = 0;
  #state: EngineState = "ready";
  #draining: Promise<DrainSummary> | undefined;
  #probing: Promise<void> | undefined;
  #probedAt = -Infinity;
  /** Tokens under which statements that are not answered yet may give runs to this node. */
  readonly #expected = new Set<number>();
  #recovered = { runs: 0, tasks: 0 };

  /** @param options What it is made of. */
  constructor(options: EngineOptions) {
    const { store, clock, code, activityConcurrency = ACTIVITY_CONCURRENCY } = options;
    const queues = options.queues ??
      new Map([[DEFAULT_QUEUE, { concurrency: activityConcurrency, rate: null }]]);
    this.#options = options;
    this.#databaseClock = new DatabaseClock(clock);
    this.#databaseRetry = new DatabaseRetry(clock, store);
    this.#exclusions = new Exclusions(clock, options.probeMs);
    this.#lease = new NodeLease({
      nodes: store.nodes,
      name: options.name,
      serves: { queues: [...queues.keys()], activities: [...options.activities.keys()] },
      leaseMs: options.leaseMs,
      exclusive: store.exclusive,
      clock,
      databaseClock: this.#databaseClock,
      onExpired: () => this.#dropAll(),
      onBeat: (beat) => this.#beat(beat),
      excluded: () => this.#exclusions.list(),
      known: () => this.#known(),
    });
    this.#dispatcher = new Dispatcher({
      runs: store.runs,
      lease: this.#lease,
      clock,
      databaseClock: this.#databaseClock,
      room: () => this.#room,
      makeRoom: (wanted) => this.#makeRoom(wanted),
      excluded: () => this.#exclusions.list(),
      adopt: (run) => this.#adopt(run, false),
      invalidate: () => this.#lease.invalidate(),
    });
    const wakeRun = (id: number, node: string | null) => this.#wakeRuns([{ id, node }]);
    this.#schedules = new ScheduleRunner({
      schedules: store.schedules,
      runs: store.runs,
      code,
      clock,
      databaseClock: this.#databaseClock,
      onDue: () => this.#due(),
      onEnded: () => this.#endedRuns.pollNow(),
      wakeRun,
    });
    this.#tasks = new NodeTasks({
      store,
      lease: this.#lease,
      clock,
      databaseClock: this.#databaseClock,
      databaseRetry: this.#databaseRetry,
      code,
      excluded: this.#exclusions,
      activities: options.activities,
      payloadBytes: options.payloadBytes,
      queues,
      concurrency: activityConcurrency,
      resident: (run) => this.#residents.get(run)?.executor,
      wakeRun,
    });
    this.#context = {
      code: (run) => code.find(run, this.#lease.id),
      loads: new RetryingBatcher(
        (n) => `read ${n} histories`,
        (wanted) => this.#load(wanted),
        this.#databaseRetry,
      ),
      recall: (id) => this.#recall(id),
      journal: new JournalWriter(store.journal, this.#databaseRetry),
      lease: this.#lease,
      databaseClock: this.#databaseClock,
      clock,
      payloadBytes: options.payloadBytes,
      watch: options.watch,
      warnings: new Warnings(options.onUnawaited),
      lingerMs: options.lingerMs,
      lingering: this.#lingering,
      exclude: (hash) => this.#exclusions.add(hash),
      weigh: (bytes) => this.#weigh(bytes),
      tasks: this.#tasks,
      now: () => this.#databaseClock.now(),
      store,
      databaseRetry: this.#databaseRetry,
      versions: code,
      children: new Children({
        store,
        code,
        due: () => this.#due(),
        wakeRun,
        ended: () => this.#endedRuns.pollNow(),
        databaseRetry: this.#databaseRetry,
        payloadBytes: options.payloadBytes,
      }),
    };
    this.#endedRuns = new EndedRunNotifier({
      lineage: store.lineage,
      clock,
      databaseClock: this.#databaseClock,
      wakeRuns: (runs) => this.#wakeRuns(runs),
    });
    this.#retention = options.retention && new Retention({
      ...options.retention,
      retention: store.retention,
      clock,
      databaseClock: this.#databaseClock,
    });
  }

  /** This node's id; another one after it was buried. */
  get node(): string {
    return this.#lease.id;
  }

  /** Where it stands. */
  get state(): EngineState {
    return this.#state;
  }

  /** Why this node takes no work, as it should; `null`: it does. */
  get trouble(): string | null {
    if (this.#state !== "ready") return `it is ${this.#state}`;
    if (this.#lease.trouble !== null) return `its last heartbeat failed: ${this.#lease.trouble}`;
    if (!this.#lease.fresh()) return "its heartbeats are overdue";
    const { trouble } = this.#dispatcher;
    return trouble === null ? null : `it cannot look for due runs: ${trouble}`;
  }

  /** What this node held without knowing of it, and gave back, since it was opened. */
  get recovered(): { readonly runs: number; readonly tasks: number } {
    return { ...this.#recovered };
  }

  /**
   * A statement is about to give a run to this node under a token of the caller's.
   *
   * @param token The token.
   * @returns Says that the run is taken, or free, or that nobody knows: then the node looks.
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

  /** Opens the node and begins to execute what is due. */
  async open(): Promise<void> {
    const asked = this.#options.clock.monotonic();
    this.#databaseClock.note(await this.#options.store.now(), asked);
    await this.#lease.open();
    this.#dispatcher.pollNow();
    this.#schedules.pollNow();
    this.#tasks.pollNow();
    await this.#dispatcher.plan();
  }

  /** Runs are due that nobody holds: this node looks; what it can't take, others take. */
  #due(): void {
    this.#dispatcher.pollNow();
    const takesAll = this.hasRoom && this.#exclusions.list().length === 0;
    if (!takesAll) this.#publish([{ kind: "due" }]);
  }

  /** Losing a hint costs time, never a fact: nobody waits for it. */
  #publish(notices: readonly Notice[]): void {
    inBackground(
      this.#options.store.notices.publish(notices),
      (error) => engineLog.debug("Cannot send hints: {error}", { error }),
    );
  }

  /** Whether a run that is inserted now may be leased to this node at once. */
  get hasRoom(): boolean {
    return this.#state === "ready" && this.#room > 0 &&
      this.#lease.fresh();
  }

  /**
   * Executes a run that was inserted under this node's lease.
   *
   * @param run The run, as it was inserted.
   * @param inserted What the insert answered.
   * @returns Resolves when the run has left this node's memory.
   */
  take(run: LeasedNewRun, inserted: InsertedRun): Promise<Exit> {
    const { namespace, runId, workflow, hash, specifier, input, seed, lease: { token } } = run;
    const { id, at: startedAt, deadline, policy } = inserted;
    this.#databaseClock.note(startedAt);
    return this.#adopt({
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
    }, run.signal === undefined);
  }

  /** A hint: of another process, or of this one's client. */
  receive(notice: Notice): void {
    if (notice.kind === "due") {
      if (notice.at === undefined || notice.at <= this.#databaseClock.now()) {
        this.#dispatcher.pollNow();
      } else this.#dispatcher.pollAt(notice.at);
    }
    if (notice.kind === "scheduled") this.#schedules.pollNow();
    if (notice.kind === "ended") this.#schedules.ended(notice.runId);
    if (notice.kind === "tasks") this.#tasks.pollNow();
    if (notice.kind === "message" && notice.node === this.node) this.#deliver([notice.run]);
  }

  /** Hints may have been missed: looks at everything that they could have said. */
  async catchUp(): Promise<void> {
    this.#schedules.pollNow();
    this.#dispatcher.pollNow();
    this.#tasks.pollNow();
    this.#endedRuns.pollNow();
    this.#deliver(await this.#options.store.runs.woken(this.node));
  }

  #deliver(woken: readonly number[]): void {
    for (const id of woken) this.#residents.get(id)?.executor.wake({ message: true });
  }

  /** A version may be had again: leaves none alone. */
  clearFailures(hash: string): void {
    this.#exclusions.remove(hash);
    this.#dispatcher.pollNow();
    this.#tasks.pollNow();
  }

  /**
   * Takes no more runs, lets attempts under way finish, and gives every run back. Calling it again
   * gives the same summary.
   *
   * @param timeoutMs Milliseconds for the attempts under way; then they are abandoned.
   */
  drain(timeoutMs: number): Promise<DrainSummary> {
    return this.#draining ??= this.#drain(timeoutMs);
  }

  /** Drains, and removes the node. */
  async close(timeoutMs: number): Promise<DrainSummary> {
    const summary = await this.drain(timeoutMs);
    if (this.#state !== "closed") {
      this.#state = "closed";
      this.#databaseRetry.end();
      await this.#probing;
      await this.#endedRuns.close();
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
    const leaving = new Set(this.#residents.values());
    for (const { executor } of leaving) executor.stop(); // no run starts an effect meanwhile
    await paused;
    for (const resident of this.#residents.values()) leaving.add(resident); // of the last claims
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(timeoutMs, resolve);
    const gone = Promise.all(Array.from(leaving, ({ left }) => left)).then(() =>
      this.#tasks.idle()
    );
    await Promise.race([gone, late]);
    timer.cancel();
    const forced = this.#residents.size;
    await this.#tasks.giveBack();
    this.#dropAll();
    return { released: leaving.size - forced, forced };
  }

  #adopt(run: ClaimedRun, fresh: boolean): Promise<Exit> {
    const executor = new RunExecutor(run, this.#context);
    const left = executor.drive(fresh);
    const resident = { executor, left };
    this.#residents.set(run.id, resident);
    duty("see a run off", async () => {
      const exit = await left;
      if (this.#residents.get(run.id) === resident) this.#residents.delete(run.id);
      this.#exited(run, exit);
    });
    this.#options.onArrival?.(run);
    if (this.#state !== "ready") executor.stop();
    return left;
  }

  #exited(run: ClaimedRun, exit: Exit): void {
    if (exit.kind === "ended" && exit.mustNotify) this.#endedRuns.pollNow();
    if (exit.kind === "lost") {
      // Perhaps by a write of its own whose answer was lost: whatever that was, somebody looks now.
      this.#endedRuns.pollNow();
      this.#dispatcher.pollAt(this.#databaseClock.now());
    }
    this.#options.onExit(run, exit);
    if (exit.kind !== "suspended" && exit.kind !== "released") {
      this.#schedules.ended(run.runId);
    }
    if (exit.kind === "suspended") this.#dispatcher.pollAt(exit.wakeAt);
    if (this.#residents.size !== this.#options.maxResidentRuns - 1) return;
    immediate(() => this.#dispatcher.pollNow()); // runs that leave in one tick are replaced at once
  }

  #weigh(bytes: number): void {
    const { maxResidentBytes } = this.#options;
    const wasFull = this.#bytes >= maxResidentBytes;
    this.#bytes += bytes;
    if (wasFull && this.#bytes < maxResidentBytes) immediate(() => this.#dispatcher.pollNow());
  }

  /** How many more runs may be in memory. */
  get #room(): number {
    const { maxResidentRuns, maxResidentBytes } = this.#options;
    return this.#bytes < maxResidentBytes ? maxResidentRuns - this.#residents.size : 0;
  }

  #makeRoom(wanted: number): void {
    let asked = 0;
    for (const executor of this.#lingering) {
      if (asked++ >= wanted) return;
      executor.leave();
    }
  }

  /** Runs have work now: here, on another node, or on whichever takes them. */
  #wakeRuns(runs: readonly WokenRun[]): void {
    const notices: Notice[] = [];
    for (const { id, node } of runs) {
      if (node === null) continue;
      if (node === this.node) this.receive({ kind: "message", node, run: id });
      else notices.push({ kind: "message", node, run: id });
    }
    if (notices.length > 0) this.#publish(notices);
    if (runs.some(({ node }) => node === null)) this.#due();
  }

  #dropAll(): void {
    for (const { executor } of this.#residents.values()) executor.drop();
    this.#residents.clear();
    this.#tasks.loseAll();
  }

  /** What it has in memory, as the database should know it. */
  #known(): HeldRun[] {
    return [...this.#residents.values()].map(({ executor: { run: { id, token } } }) => ({
      id,
      token,
    }));
  }

  /**
   * ENGINE-1: what the database says that this node holds, and it knows nothing of once all claims under
   * way are answered, it gives back. The fence of whoever should hold it all the same decides.
   */
  async #giveBack(unknown: readonly HeldRun[]): Promise<void> {
    const { node } = this;
    await this.#dispatcher.claimed();
    const lost = unknown.filter(({ id, token }) =>
      this.#residents.get(id)?.executor.run.token !== token && !this.#expected.has(token)
    );
    if (lost.length === 0 || node !== this.node) return;
    const runs = await this.#options.store.runs.giveBack(node, lost);
    if (runs === 0) return;
    this.#recovered.runs += runs;
    engineLog.warn("Node {node} held {runs} runs that it knew nothing of: they are given back", {
      node,
      runs,
    });
    this.#due();
  }

  #beat(beat: Beat): void {
    const { stuck, mustNotify, tasks, nextWake, nextFire, woken, unknown, gone, leased } = beat;
    if (beat.alive && unknown.length > 0) {
      duty("give runs back that were lost", () => this.#giveBack(unknown));
    }
    if (beat.alive) this.#deliver(gone); // they read what their rows say, and leave
    this.#schedules.dueAt(nextFire);
    for (const { executor } of this.#residents.values()) executor.wake({ message: false });
    this.#deliver(woken);
    if (mustNotify) this.#endedRuns.pollNow();
    this.#retention?.beat();
    if (tasks) {
      duty("check tasks", async () => {
        this.#recovered.tasks += await this.#tasks.check(leased);
      });
    }
    if (nextWake !== null && nextWake <= this.#databaseClock.now()) this.#dispatcher.pollNow();
    else this.#dispatcher.pollAt(nextWake);
    if (stuck && this.#options.clock.monotonic() - this.#probedAt >= this.#options.probeMs) {
      this.#probing ??= inBackground(
        this.#probe().finally(() => this.#probing = undefined),
        (error) =>
          engineLog.warn("Cannot probe the versions that runs are parked for: {error}", { error }),
      );
    }
  }

  /** Versions that runs are parked for may be had again. */
  async #probe(): Promise<void> {
    this.#probedAt = this.#options.clock.monotonic();
    const { versions } = this.#options.store;
    for (const hash of await versions.stuck()) {
      if (!await this.#options.code.probe(hash)) continue;
      const revived = await versions.revive(hash);
      engineLog.info("Version {version} can be had again: {revived} runs go on", {
        version: shortHash(hash),
        hash,
        revived,
      });
      this.clearFailures(hash);
    }
  }

  /** Several histories in one statement; `undefined` for a run that is gone. */
  async #load(
    wanted: readonly { readonly id: number; readonly from: number }[],
  ): Promise<readonly (LoadedRun | undefined)[]> {
    const loaded = await this.#options.store.journal.load(wanted);
    const found = new Map(loaded.map((run) => [run.id, run]));
    return wanted.map(({ id }) => found.get(id));
  }

  async #recall(id: number): Promise<ClaimedRun | undefined> {
    const { runs } = this.#options.store;
    const ask = () => runs.held(this.node, [id]);
    return (await this.#databaseRetry.run("read a run anew", ask))?.[0];
  }
}
