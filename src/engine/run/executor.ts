/**
 * Executes one run, in four steps: load (code and history), turn (pure), apply (starts what the
 * turn requested), commit (writes what has happened since). Each delivery takes one round.
 *
 * - EXECUTOR-1: an effect's result is durable before the code receives it: only written events are
 *   delivered.
 * - EXECUTOR-2: an effect starts only when everything earlier of its run is written.
 * - EXECUTOR-3: memory and lease end together: the executor drops the execution when the row is
 *   known to be suspended, ended, parked or released, and not before.
 * - EXECUTOR-4: a node whose code for a run is missing for good parks the run, unless another node
 *   that is alive has revived runs of that version: then it gives the run back.
 *
 * An executor that has lost its lease writes nothing (RECORD-1 of `record.ts`), and starts nothing.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import { failPoint } from "../../base/failpoint.ts";
import { decodeError } from "../../base/values_failure.ts";
import type { Exit } from "../../ports/exit.ts";
import { demandDecoded, isUnreadable } from "../../ports/readable.ts";
import type {
  ClaimedRun,
  CommitEntry,
  LoadedRun,
  StuckReason,
  Transition,
} from "../../ports/rows.ts";
import type { TaskFence } from "../../ports/tasks.ts";
import type { AttemptFacts, AttemptTelemetry, StayTelemetry } from "../../ports/telemetry.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import type { Execution } from "../../replay/machine.ts";
import type { Turn } from "../../replay/turn.ts";
import { WakeSignal } from "./wake_signal.ts";
import { type Committed, exitAfter, type ExitOrReload, LOST } from "./exit.ts";
import { broken, diagnose, faultIn, POISON_CLAIMS, poisoned } from "./park_reasons.ts";
import { OutstandingEffects } from "./outstanding_effects.ts";
import type { ExecutorContext } from "./executor_context.ts";
import { annotations, type PendingEvent } from "./pending_events.ts";
import type { Ending } from "../activity/running_attempt.ts";
import { continueAsNew, tryAgain } from "./next_generation.ts";
import type { Resident } from "./residents.ts";
import { nextPause, PAUSE_MS } from "../database_retry.ts";
import type { OutstandingCommand } from "./outstanding_commands.ts";
import type { CodeFailure, RunCode } from "../code/run_code.ts";
import { endUnbegun, retryAt } from "./policies.ts";
import { guarded } from "../retry_predicate.ts";
import { again, RunRecord } from "./record.ts";

/** The data with which an execution begins. */
type Loaded = Pick<LoadedRun, "events" | "tasks"> & Partial<Pick<LoadedRun, "nextSeq">>;

/** One execution: from a read of the history until the run leaves, or until the next read. */
interface Life {
  readonly code: RunCode;
  readonly history: readonly HistoryEvent[];
  readonly execution: Execution;
  readonly effects: OutstandingEffects;
}

/** Executes one run for as long as this node holds it. */
export class RunExecutor implements Resident {
  readonly #context: ExecutorContext;
  readonly #wakeSignal: WakeSignal;
  readonly #record: RunRecord;
  /** Observes this stay; `undefined`: there is no observer (TELEMETRY-2). */
  readonly #stay: StayTelemetry | undefined;
  #effects: OutstandingEffects | undefined;
  /** An error in background work: it ends the execution. */
  #trouble: { readonly error: unknown } | undefined;
  #isStopping = false;
  /** Why the run's version may not be executed any more. */
  #denied: StuckReason | undefined;
  #isInterrupted = false;
  #isHurried = false;

  /**
   * @param run The run, leased to this node.
   * @param context What it needs from the node.
   */
  constructor(run: ClaimedRun, context: ExecutorContext) {
    this.#stay = context.telemetry?.arrived(run, context.databaseClock.now());
    this.#record = new RunRecord(run, context, this.#stay);
    this.#context = context;
    this.#wakeSignal = new WakeSignal(context.clock);
  }

  /** The run, in its present generation. */
  get run(): ClaimedRun {
    return this.#record.run;
  }

  /** Whether a cancellation of the run has reached the activity at a position. */
  gaveUp(position: number): boolean {
    return this.#effects?.gaveUp(position) ?? false;
  }

  /** Whether a task's result is about to be written into the run's history. */
  writes(fence: TaskFence): boolean {
    return this.#effects?.writes(fence) ?? false;
  }

  /** Observes an attempt of a task that this node claimed from its queue. */
  traced(position: number, facts: Omit<AttemptFacts, "stack">): AttemptTelemetry | undefined {
    return this.#effects?.traced(position, facts);
  }

  /** Receives the end of an activity whose task this node claimed from its queue. */
  answerTask(fence: TaskFence, ending: Ending): boolean {
    return this.#effects?.answerTask(fence, ending) ?? false;
  }

  /** Called when a message may have arrived, or the lease was renewed. */
  wake(options: { readonly message: boolean }): void {
    if (options.message) this.#record.invalidate();
    this.#wakeSignal.notify();
  }

  /** Called when memory is needed: the executor leaves now if it only lingers. */
  leave(): void {
    this.#isHurried = true;
    this.#wakeSignal.notify();
  }

  /** Finishes the work under way, releases the run, and leaves. */
  stop(): void {
    this.#isStopping = true;
    this.#wakeSignal.notify();
  }

  /** As {@linkcode RunExecutor.stop}: parks the run, or releases it to be parked when it is claimed. */
  park(reason: StuckReason): void {
    this.#denied = reason;
    this.stop();
  }

  /** Called when the lease is lost: the executor leaves at once and writes nothing (RECORD-1). */
  drop(): void {
    this.#record.markLost();
    this.#effects?.abort("The run's lease was lost");
    this.#wakeSignal.notify();
  }

  /**
   * Executes the run until it leaves this node's memory.
   *
   * @param fresh Whether this node has just inserted the run, so that there is no history to read.
   * @returns How it left.
   */
  async drive(fresh: boolean): Promise<Exit> {
    try {
      const exit = await this.#drive(fresh).catch(async (error) => {
        if (isUnreadable(error)) { // RECORD-5
          this.#effects?.end("The run can't be read");
          return await this.#record.postpone(error);
        }
        this.#context.log.error("Cannot execute run {run}: {error}", {
          run: this.run.runId,
          error,
        });
        this.#effects?.end("The run can't be executed");
        return await this.#record.surrender(broken(error)); // RECORD-3
      });
      this.#stay?.left(exit, this.#context.databaseClock.now());
      return exit;
    } finally {
      this.#effects?.end("The run has left this process");
      this.#record.forget();
    }
  }

  async #drive(fresh: boolean): Promise<Exit> {
    if (this.run.claims > POISON_CLAIMS) {
      return await this.#record.leaveUnread({ to: "stuck_poisoned", reason: poisoned(this.run) });
    }
    let wait = 0;
    for (let isEmpty = fresh;; isEmpty = false) {
      demandDecoded(this.run.input);
      if (!isEmpty && this.run.policy !== null && !await this.#offer()) return LOST;
      const { hash, generation } = this.run;
      const code = await this.#code();
      if (code === undefined) return LOST;
      if ("kind" in code) return await this.#leaveWithout(code);
      const loaded = isEmpty ? EMPTY : await this.#record.loadAll();
      if (loaded === undefined) return LOST;
      if (this.run.hash !== hash) continue; // RECORD-2: the row has another version
      const { writes } = this.#record;
      const exit = await this.#live(code, loaded);
      if (exit !== "reload") return exit;
      this.#effects?.end("The run's history is read anew");
      // One reload is normal, after a lost result. Repeated reloads without progress are slowed
      // down.
      const getsOn = this.#record.writes > writes || this.run.generation !== generation;
      if (!getsOn && wait > 0) await this.#context.databaseRetry.pause(wait);
      wait = getsOn ? 0 : wait === 0 ? PAUSE_MS.first : nextPause(wait);
    }
  }

  /** Moves a run that takes new versions by itself (OFFER-1). `false`: the lease is lost. */
  async #offer(): Promise<boolean> {
    const { databaseRetry, offers, store, lease } = this.#context;
    const find = () => offers.of(this.run);
    const version = await databaseRetry.run("find the current version of a workflow", find);
    if (version === undefined) return true;
    const loaded = await this.#record.loadAll();
    if (loaded === undefined) return false;
    if (faultIn(this.run, loaded) !== undefined) return true;
    const { run } = this;
    const [open] = await databaseRetry.run(
      "read what is open in a run",
      () => store.journal.open([run.id]),
    ) ?? [];
    if (open?.generation !== run.generation) return !this.#record.isLost;
    const events = loaded.events as readonly HistoryEvent[];
    const change = await offers.prove(run, version, { events, open: open.effects });
    if (change === undefined || this.#record.isLost) return !this.#record.isLost;
    const pinned = await databaseRetry.run(
      "pin a run to the current version",
      () =>
        store.runs.repin(run, lease.id, loaded.nextSeq, change).catch((error) => {
          if (isContinuumError(error, "VERSION_NOT_REGISTERED")) return "removed";
          throw error;
        }),
    );
    if (pinned === "removed") return true; // it was current, and is no longer
    if (pinned !== true) return false;
    this.#record.pin(change.pin, loaded.nextSeq);
    return true;
  }

  async #code(): Promise<RunCode | CodeFailure | undefined> {
    const { code, databaseRetry, lease } = this.#context;
    return await databaseRetry.run(
      "find the code of a run",
      () => code.find(this.run, lease.id),
    );
  }

  /** Repeats turn, apply, commit. */
  async #live(code: RunCode, loaded: Loaded): Promise<ExitOrReload> {
    const history = loaded.events as readonly HistoryEvent[];
    const fault = faultIn(this.run, loaded);
    if (fault !== undefined) {
      return await this.#record.leaveUnread({ to: "stuck_poisoned", reason: fault });
    }
    this.#record.begin(history);
    if (this.#record.inbox.isPaused) return await this.#pauseUnread(); // PAUSE-1
    if (!this.run.began) {
      const now = this.#context.databaseClock.now();
      const end = endUnbegun(this.run, this.#record.inbox, now);
      if (end !== undefined) return await this.#record.leave(end);
      this.#record.start();
    }
    const { payloadBytes, watchdog } = this.#context;
    const execution = code.execute(this.run, {
      wake: () => this.#interrupt(),
      payloadBytes,
      ...(watchdog === undefined ? {} : { pulse: watchdog.watch(this.run) }),
      ...observed(this.#stay),
    });
    const effects = this.#effects = this.#effectsOf(code, loaded);
    const life = { code, history, execution, effects };
    for (let events = history;;) {
      this.#isInterrupted = false;
      const turn = this.#stay !== undefined && events === history && events.length > 0
        ? await this.#replay(execution, events, this.#stay)
        : await execution.turn(events, { loggedUpTo: this.#record.deliveredSeq });
      this.#record.delivered(execution.loggedUpTo);
      const step = await this.#apply(turn, life) ?? await this.#commit(turn, effects);
      if (!Array.isArray(step)) return step as ExitOrReload;
      events = step;
    }
  }

  /** Takes the first turn of an execution that has a history. */
  async #replay(
    execution: Execution,
    events: readonly HistoryEvent[],
    stay: StayTelemetry,
  ): Promise<Turn> {
    const { clock } = this.#context;
    const began = clock.monotonic();
    const turn = await execution.turn(events, { loggedUpTo: this.#record.deliveredSeq });
    stay.replayed(events.length, clock.monotonic() - began);
    return turn;
  }

  #effectsOf(code: RunCode, loaded: Loaded): OutstandingEffects {
    return new OutstandingEffects({
      run: this.run,
      code,
      loaded,
      inbox: this.#record.inbox,
      context: this.#context,
      stay: this.#stay,
      notify: () => this.#wakeSignal.notify(),
      stays: () => !this.#isLeaving && !this.#record.isLost,
      invalidate: () => this.#record.invalidate(),
      fail: (error) => {
        this.#trouble ??= { error };
        this.#wakeSignal.notify();
      },
    });
  }

  /** Called when the code did something between two turns: another turn finds out what. */
  #interrupt(): void {
    this.#isInterrupted = true;
    this.#wakeSignal.notify();
  }

  // ---- apply ----------------------------------------------------------------------------------

  /** Starts what a turn requested; ends the run, or its generation, if the turn ended it. */
  async #apply(turn: Turn, life: Life): Promise<ExitOrReload | undefined> {
    const { code, history, execution, effects } = life;
    const trouble = await diagnose(turn, this.run, code, history);
    if (trouble !== undefined) {
      return await this.#record.leave({ to: "stuck_nondeterminism", reason: trouble });
    }
    effects.take(turn);
    if (turn.outcome === null) return undefined;
    await effects.told();
    const exit = await this.#end(turn, turn.outcome, life);
    if (typeof exit === "object" && exit.kind === "ended") {
      this.#context.warnings.untaken(this.run, this.#record.inbox.signals);
    }
    this.#context.warnings.unhandled(this.run, execution); // a macrotask later: the write took one
    return exit;
  }

  /** Ends the run, or its generation. */
  async #end(turn: Turn, outcome: NonNullable<Turn["outcome"]>, life: Life): Promise<ExitOrReload> {
    const { code, execution, effects } = life;
    const record = this.#record;
    const said = () => annotations(turn).map(({ event }) => event);
    switch (outcome.kind) {
      case "continued": {
        this.#context.warnings.unfinished(this.run, execution.handlers.underWay);
        await this.#reportUnawaited(life);
        const deaf = this.#endDeaf(life);
        if (deaf !== undefined) return await record.leave(deaf, said());
        return await this.#say(turn, effects) ??
          await continueAsNew(record, outcome, execution, this.#context);
      }
      case "completed": {
        this.#context.warnings.unfinished(this.run, execution.handlers.underWay);
        await this.#reportUnawaited(life);
        const { result } = outcome;
        return await record.leave({ to: "completed", result, error: null }, said());
      }
      case "cancelled": {
        const { error } = outcome;
        return await record.leave({ to: "cancelled", result: null, error }, said());
      }
      case "failed": {
        const { error } = outcome;
        const at = effects.isCancelled || record.inbox.cancellation !== undefined
          ? null
          : this.#retryAt(code, error);
        const { runId: run, workflow, attempt } = this.run;
        this.#context.log.warn("Run {run} of workflow {workflow} failed: {error}; {next}", {
          run,
          workflow,
          attempt,
          error: decodeError(error),
          next: at === null ? "it has ended" : `it is tried again at ${new Date(at).toISOString()}`,
        });
        if (at === null) return await record.leave({ to: "failed", result: null, error }, said());
        return await this.#say(turn, effects) ??
          await tryAgain(record, error, at, execution, this.#context);
      }
    }
  }

  #retryAt({ retryIf }: RunCode, error: string): number | null {
    const { databaseClock, log } = this.#context;
    const { runId, workflow: name } = this.run;
    const predicate = guarded(retryIf, { kind: "run", name, runId }, log);
    return retryAt(this.run, error, databaseClock.now(), predicate);
  }

  /**
   * A generation that waits for nothing never receives a cancellation: one that was requested
   * before ends it.
   */
  #endDeaf({ history, effects }: Life): Transition | undefined {
    if (history.length > 0 || effects.isCancelled) return undefined;
    return endUnbegun(this.run, this.#record.inbox, this.run.startedAt);
  }

  /** Reports effects that the code never awaited. A run that threw had no time to await them. */
  async #reportUnawaited({ code, execution: { unawaited } }: Life): Promise<void> {
    if (unawaited.length === 0) return;
    const { histories, warnings } = this.#context;
    const { id, firstSeq: from } = this.run;
    await warnings.unawaited(this.run, unawaited, code, async () => {
      const loaded = await histories.load(id, from);
      return (loaded?.events ?? []) as readonly HistoryEvent[];
    });
  }

  // ---- commit ---------------------------------------------------------------------------------

  /** Waits until something has happened, and writes it; leaves if nothing will for long. */
  async #commit(
    turn: Turn,
    effects: OutstandingEffects,
  ): Promise<readonly HistoryEvent[] | ExitOrReload> {
    const said = await this.#sayWithNews(turn, effects); // EXECUTOR-2
    if (said !== undefined) return said;
    this.#isHurried = false;
    const idleSince = this.#context.clock.monotonic();
    while (!this.#record.isLost) {
      if (this.#trouble !== undefined) throw this.#trouble.error;
      // What was read before is taken first: many messages then need few reads.
      if (this.#record.isStale && !effects.receive()) {
        const exit = await this.#readInbox();
        if (exit !== undefined) return exit;
      }
      effects.advance();
      if (this.#isInterrupted) return NOTHING;
      if (effects.hasNews) return await this.#append(effects.takePendingEvents(), effects);
      const { transaction } = effects;
      if (transaction !== undefined) return await this.#transact(transaction, effects);
      const exit = await this.#rest(idleSince, effects);
      if (exit !== undefined) return exit;
    }
    return LOST;
  }

  /**
   * Writes the annotations of a turn, together with the messages that have arrived. Returns those, to
   * be delivered.
   */
  async #sayWithNews(
    turn: Turn,
    effects: OutstandingEffects,
  ): Promise<readonly HistoryEvent[] | ExitOrReload | undefined> {
    const said = annotations(turn);
    if (said.length === 0) return undefined;
    effects.receive();
    const written = await this.#append([...said, ...effects.takePendingEvents()], effects);
    if (!Array.isArray(written)) return written;
    const news = written.slice(said.length);
    return news.length === 0 ? undefined : news;
  }

  /** Writes the annotations of a turn that has ended the run, or its generation. */
  async #say(turn: Turn, effects: OutstandingEffects): Promise<ExitOrReload | undefined> {
    const said = annotations(turn);
    if (said.length === 0) return undefined;
    const written = await this.#append(said, effects);
    return Array.isArray(written) ? undefined : written as ExitOrReload;
  }

  /** EXECUTOR-1: writes events, and returns them as the history has them. */
  async #append(
    pendingEvents: readonly PendingEvent[],
    effects: OutstandingEffects,
  ): Promise<readonly HistoryEvent[] | ExitOrReload> {
    const events = pendingEvents.map((event) => event.event);
    const written = await this.#record.write({
      events,
      consumed: [
        ...pendingEvents.flatMap((event) => event.consumes ?? []),
        ...this.#record.inbox.takeDiscarded(),
      ],
      answered: pendingEvents.flatMap(({ task }) => task?.position ?? []),
    });
    if (!("at" in written)) {
      effects.salvage(pendingEvents);
      return again(written.step);
    }
    await failPoint("commit.written", { run: this.run.runId, events: pendingEvents.length });
    return this.#settle(events, written, effects);
  }

  async #transact(
    pending: OutstandingCommand,
    effects: OutstandingEffects,
  ): Promise<readonly HistoryEvent[] | ExitOrReload> {
    const { id: run, token } = this.run;
    const end = await effects.transact(pending, { run, token, ...this.#record.place });
    if ("retryMs" in end) return NOTHING;
    if (!("result" in end)) return await this.#append([{ event: end.event }], effects);
    // No other process locks this run's row for long: if it is busy, the history is read anew.
    const { result } = end;
    const written = this.#record.classify(result.status === "busy" ? { status: "stale" } : result);
    return "at" in written ? this.#settle([end.event], written, effects) : again(written.step);
  }

  #settle(
    events: CommitEntry["events"],
    committed: Committed,
    effects: OutstandingEffects,
  ): readonly HistoryEvent[] {
    const written = this.#record.extend(events, committed);
    this.#stay?.wrote(events.length);
    effects.settle(written);
    return written;
  }

  async #readInbox(): Promise<ExitOrReload | undefined> {
    const loaded = await this.#record.load(this.#record.next);
    if (loaded === undefined) return LOST;
    const isThere = this.#record.isOf(loaded) && loaded.nextSeq === this.#record.next;
    return isThere ? undefined : "reload";
  }

  // ---- waiting and leaving --------------------------------------------------------------------

  /** Waits until something happens; suspends the run if that may take long. */
  async #rest(idleSince: number, effects: OutstandingEffects): Promise<ExitOrReload | undefined> {
    const { clock, databaseClock, residents } = this.#context;
    const lingerMs = this.#isHurried ? 0 : this.#context.lingerMs;
    const dueIn = effects.dueAt === null ? Infinity : effects.dueAt - databaseClock.now();
    const isLeaving = this.#isLeaving;
    if (this.#wakeSignal.isNotified || (effects.isBusy && !(isLeaving && !effects.isActive))) {
      await this.#wakeSignal.wait(dueIn);
      return undefined;
    }
    const lingers = idleSince + lingerMs - clock.monotonic();
    if (isLeaving || (lingers <= 0 && dueIn > lingerMs)) return await this.#suspend(effects);
    using stay = residents.linger(this);
    if (stay === undefined) this.#isHurried = true;
    else await this.#wakeSignal.wait(Math.min(dueIn, lingers > 0 ? lingers : Infinity));
    return undefined;
  }

  /**
   * EXECUTOR-3, and JOURNAL-5 of the store: a run never suspends over a message that it has not
   * read.
   */
  async #suspend(effects: OutstandingEffects): Promise<ExitOrReload | undefined> {
    if (this.#denied !== undefined && !effects.isBusy) {
      return await this.#record.leave({ to: "stuck_unknown_version", reason: this.#denied });
    }
    const { wakeSeq, isPaused } = this.#record.inbox;
    const { waits } = effects;
    const transition: Transition = isPaused
      ? { to: "paused", waits, wakeSeq }
      : effects.isBusy
      ? { to: "released", afterMs: 0 }
      : { to: "suspended", wakeAt: effects.dueAt, waits, wakeSeq };
    const written = await this.#record.write({ events: [], consumed: [], transition });
    if ("at" in written) {
      if (isPaused) await this.#holdTasks();
      return exitAfter(transition, written);
    }
    if (written.step !== "woken") return written.step;
    this.#record.invalidate();
    return undefined;
  }

  /** Whether the run leaves as soon as no attempt is under way. */
  get #isLeaving(): boolean {
    return this.#isStopping || this.#record.inbox.isPaused;
  }

  /** Pauses a run that was claimed although it is to be paused, before anything of it is executed. */
  async #pauseUnread(): Promise<ExitOrReload> {
    const { wakeSeq } = this.#record.inbox;
    const exit = await this.#record.leave({ to: "paused", waits: [], wakeSeq });
    if (exit !== "reload") await this.#holdTasks();
    return exit;
  }

  async #holdTasks(): Promise<void> {
    const { databaseRetry, store } = this.#context;
    const { id } = this.run;
    await databaseRetry.run("hold the tasks of a paused run", () => store.runs.holdTasks(id));
  }

  /** Excludes the version before the run is free: otherwise this node would claim it again. */
  async #leaveWithout(failure: CodeFailure): Promise<Exit> {
    if (failure.kind === "lasting" && !await this.#isOffered()) {
      const { reason } = failure;
      return await this.#record.leaveUnread({ to: "stuck_unknown_version", reason });
    }
    const isPassing = failure.kind === "passing";
    if (!isPassing) this.#context.exclusions.add(this.run.hash);
    const afterMs = isPassing ? failure.afterMs : 0;
    const exit = await this.#record.leaveUnread({ to: "released", afterMs });
    return !isPassing && exit !== LOST ? { kind: "excluded" } : exit;
  }

  /**
   * EXECUTOR-4: whether another node executes what this one would park. The two would otherwise park
   * and revive it by turns, such as while nodes with and without `trust.keys` run beside each other.
   */
  async #isOffered(): Promise<boolean> {
    const { store: { versions }, lease, log } = this.#context;
    try {
      return await versions.isOffered(this.run.hash, lease.id);
    } catch (error) {
      log.warn("Cannot look who offers a version: {error}", { error });
      return false;
    }
  }
}

/** What an execution tells of itself. */
function observed(stay: StayTelemetry | undefined): Parameters<RunCode["execute"]>[1] {
  return stay === undefined ? {} : {
    wantsSite: (kind, name) => stay.wantsSite(kind, name),
    logFacts: () => stay.logFacts,
  };
}

const NOTHING: readonly HistoryEvent[] = [];
const EMPTY: Loaded = { events: [], tasks: [] };
