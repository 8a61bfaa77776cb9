/**
 * Executes one run, in four steps that never mix: load (code and history), turn (pure), apply (what
 * the turn asked for), commit (what has happened since). Each delivery goes round once.
 *
 * - E1: an effect's result is durable before the code after it runs: only what the journal has
 *   written is delivered.
 * - E2: an effect starts only when nothing earlier of its run is unwritten.
 * - E3: memory and lease go together: the execution is dropped in the moment the row is suspended,
 *   ended, parked or released, and not before that is known.
 * - E4: an executor that lost its lease writes nothing and starts nothing more.
 *
 * @module
 */

import { failPoint } from "../base/failpoint.ts";
import { randomId } from "../base/ids.ts";
import type {
  ClaimedRun,
  CommitEntry,
  InboxRow,
  LoadedRun,
  NewEvent,
  StuckReason,
  StuckState,
  Transition,
} from "../ports/rows.ts";
import type { GenerationEnd } from "../ports/lineage.ts";
import type { TaskFence } from "../ports/tasks.ts";
import type { HistoryEvent } from "../replay/history.ts";
import type { Execution } from "../replay/machine.ts";
import type { Outcome, Turn } from "../replay/turn.ts";
import { Alarm } from "./alarm.ts";
import { type Committed, departed, type Departure, LOST } from "./departure.ts";
import { broken, diagnose, POISON_CLAIMS, poisoned } from "./diagnosis.ts";
import { RunEffects } from "./effects.ts";
import type { ExecutorContext, Lingerer } from "./executor_context.ts";
import { annotations, type Fact } from "./facts.ts";
import type { Written } from "./journal_writer.ts";
import { engineLog } from "./log.ts";
import { nextGeneration } from "./next_generation.ts";
import type { ResidentRun } from "./node_tasks.ts";
import type { Pending } from "./pending.ts";
import type { CodeFailure, RunCode } from "./run_code.ts";
import { endUnbegun, isCancel, restOf, retryAt } from "./run_policies.ts";
import type { Ending } from "./task_attempts.ts";

/** What a step gives: its value, or how the run leaves, or that all of it is to be read anew. */
type Step<T> = T | Departure | "reload";

/** What a write gives. */
type Write = Committed | { readonly step: Departure | "reload" | "woken" };

/** Executes one run for as long as this node holds it. */
export class RunExecutor implements Lingerer, ResidentRun {
  readonly #context: ExecutorContext;
  readonly #alarm: Alarm;
  #run: ClaimedRun;
  #phase: "live" | "stopping" | "dropped" = "live";
  #effects: RunEffects | undefined;
  #inbox: readonly InboxRow[] = [];
  #inboxStale = false;
  #wakeSeq = 0;
  #next = 0;
  /** Bytes of the history in memory, about. */
  #weight = 0;
  #isInterrupted = false;
  #isHurried = false;

  /**
   * @param run The run, leased to this node.
   * @param context What it needs from the node.
   */
  constructor(run: ClaimedRun, context: ExecutorContext) {
    this.#run = run;
    this.#context = context;
    this.#alarm = new Alarm(context.clock);
  }

  /** The run, in its present generation. */
  get run(): ClaimedRun {
    return this.#run;
  }

  /** Whether a cancellation of the run has reached the activity at a position. */
  gaveUp(position: number): boolean {
    return this.#effects?.gaveUp(position) ?? false;
  }

  /** Takes the end of an activity whose task was claimed from its queue by this node. */
  answerTask(fence: TaskFence, ending: Ending): boolean {
    return this.#effects?.answerTask(fence, ending) ?? false;
  }

  /** A message may have come, or the lease was renewed. */
  poke(options: { readonly message: boolean }): void {
    if (options.message) this.#inboxStale = true;
    this.#alarm.stir();
  }

  /** Its room is wanted: if it only lingers, it leaves now. */
  leave(): void {
    this.#isHurried = true;
    this.#alarm.stir();
  }

  /** Finishes what is under way, gives the run back, and leaves. */
  stop(): void {
    if (this.#phase === "live") this.#phase = "stopping";
    this.#alarm.stir();
  }

  /** The lease is gone: leaves at once, without a word to the database (E4). */
  drop(): void {
    this.#phase = "dropped";
    this.#effects?.abort("The run's lease was lost");
    this.#alarm.stir();
  }

  /**
   * Executes the run until it leaves this node's memory.
   *
   * @param fresh Whether the run was inserted a moment ago, by this node: there is nothing to read.
   * @returns How it left.
   */
  async drive(fresh: boolean): Promise<Departure> {
    try {
      return await this.#drive(fresh).catch((error) => {
        engineLog.error("Cannot execute run {run}: {error}", { run: this.run.runId, error });
        return this.#park("stuck_poisoned", broken(error));
      });
    } catch (error) {
      engineLog.error("Cannot park run {run}: {error}", { run: this.run.runId, error });
      return LOST;
    } finally {
      this.#effects?.end("The run has left this process");
      this.#weigh([], -this.#weight);
    }
  }

  async #drive(fresh: boolean): Promise<Departure> {
    if (this.run.claims > POISON_CLAIMS) {
      return await this.#park("stuck_poisoned", poisoned(this.run));
    }
    for (let isEmpty = fresh;; isEmpty = false) {
      const code = await this.#context.code(this.run);
      if ("kind" in code) return await this.#leaveWithout(code);
      const loaded = isEmpty ? EMPTY : await this.#load(this.run.firstSeq);
      if (loaded === undefined) return LOST;
      const departure = await this.#live(code, loaded);
      if (departure !== "reload") return departure;
      this.#effects?.end("The run's history is read anew");
    }
  }

  /** One execution: from a reading of the history to the run's leave, or to the next reading. */
  async #live(
    code: RunCode,
    loaded: Pick<LoadedRun, "events" | "tasks">,
  ): Promise<Departure | "reload"> {
    const history = loaded.events as readonly HistoryEvent[];
    this.#next = this.run.firstSeq + history.length;
    this.#weigh(history, this.run.input.length - this.#weight);
    if (!this.run.began) {
      const end = endUnbegun(this.run, this.#inbox, this.#context.databaseClock.now());
      if (end !== undefined) return await this.#leave(end);
    }
    const { payloadBytes } = this.#context;
    const execution = code.execute(this.run, { wake: () => this.#interrupt(), payloadBytes });
    const effects = this.#effectsOf(code, loaded);
    for (let events = history;;) {
      this.#isInterrupted = false;
      const turn = await execution.turn(events);
      const step = await this.#apply(turn, execution, effects, code, history) ??
        await this.#commit(turn, effects);
      if (!Array.isArray(step)) return step as Departure | "reload";
      events = step;
    }
  }

  #effectsOf(code: RunCode, loaded: Pick<LoadedRun, "events" | "tasks">): RunEffects {
    return this.#effects = new RunEffects({
      run: this.run,
      code,
      loaded,
      inbox: this.#inbox,
      context: this.#context,
      stir: () => this.#alarm.stir(),
      stays: () => this.#phase === "live",
      doubt: () => this.#inboxStale = true,
    });
  }

  // ---- apply ----------------------------------------------------------------------------------

  /** Takes in what a turn asked for; ends the run, or its generation, if that is what it asked. */
  async #apply(
    turn: Turn,
    execution: Execution,
    effects: RunEffects,
    code: RunCode,
    history: readonly HistoryEvent[],
  ): Promise<Departure | "reload" | undefined> {
    const trouble = await diagnose(turn, this.run, code, history);
    if (trouble !== undefined) {
      return await this.#leave({ to: "stuck_nondeterminism", reason: trouble });
    }
    effects.take(turn);
    const { outcome } = turn;
    if (outcome === null) return undefined;
    if (outcome.kind === "completed" || outcome.kind === "continued") {
      await this.#reportUnawaited(execution, code);
    }
    const departure = await this.#end(turn, outcome, execution, effects);
    this.#reportUnhandled(execution);
    return departure;
  }

  /** Ends the run, or its generation. */
  async #end(
    turn: Turn,
    outcome: Outcome,
    execution: Execution,
    effects: RunEffects,
  ): Promise<Departure | "reload"> {
    const said = annotations(turn);
    switch (outcome.kind) {
      case "continued":
        return await this.#say(turn, effects) ?? await this.#continue(outcome, execution);
      case "completed":
        return await this.#leave({ to: "completed", result: outcome.result, error: null }, said);
      case "cancelled":
        return await this.#leave({ to: "cancelled", result: null, error: outcome.error }, said);
      case "failed": {
        const { error } = outcome;
        const at = effects.isCancelled || this.#inbox.some(isCancel)
          ? null
          : retryAt(this.run, error, this.#context.databaseClock.now());
        if (at === null) return await this.#leave({ to: "failed", result: null, error }, said);
        return await this.#say(turn, effects) ?? await this.#retry(error, at, execution);
      }
    }
  }

  /** The runtime tells of them a macrotask late, which the write has been. */
  #reportUnhandled({ unhandled }: Execution): void {
    for (const reason of unhandled) {
      engineLog.warn("Run {run} left a rejected promise unhandled: {reason}", {
        run: this.run.runId,
        reason,
      });
    }
  }

  /** A run that threw had no time to await what it had asked for: only what returned is told of. */
  async #reportUnawaited({ unawaited }: Execution, code: RunCode): Promise<void> {
    if (unawaited.length === 0) return;
    const { loads, reports } = this.#context;
    const { id, firstSeq: from } = this.run;
    await reports.unawaited(this.run, unawaited, code, async () => {
      const loaded = await loads.add({ id, from });
      return (loaded?.events ?? []) as readonly HistoryEvent[];
    });
  }

  /** The next generation: the same run, row and lease, and a history that starts anew. */
  async #continue(
    outcome: Extract<Outcome, { kind: "continued" }>,
    execution: Execution,
  ): Promise<Departure | "reload"> {
    const { patience, store: { lineage }, versions } = this.#context;
    const ending = this.#generationEnd(execution);
    const continued = await patience.until("continue a run as new", async () => {
      const target = await nextGeneration(this.run, outcome, versions);
      if ("refused" in target) return target;
      const at = await lineage.continueAsNew({ ...ending, ...target });
      return at === null ? null : { ...target, startedAt: at };
    });
    if (this.#phase === "dropped" || !continued) return LOST;
    if ("refused" in continued) {
      return await this.#leave({ to: "failed", result: null, error: continued.refused });
    }
    this.#run = {
      ...this.run,
      ...continued,
      seed: ending.seed,
      generation: ending.generation + 1,
      attempt: 1,
      firstSeq: this.#next,
      began: true,
      claims: 1,
    };
    return "reload";
  }

  /**
   * The next attempt: another generation with the same input, after a rest as a row (E3). A message
   * that came since the inbox was read may be a cancellation, after which there is none.
   */
  async #retry(error: string, at: number, execution: Execution): Promise<Departure | "reload"> {
    const { patience, store: { lineage } } = this.#context;
    const waits = restOf(this.run.attempt + 1, at);
    while (this.#phase !== "dropped") {
      const next = { ...this.#generationEnd(execution), wakeSeq: this.#wakeSeq, at, waits };
      const isResting = await patience.until(
        "let a run rest before its next attempt",
        () => lineage.retry({ ...next, failure: error }),
      );
      if (isResting === undefined) return LOST;
      if (isResting) return { kind: "suspended", wakeAt: at };
      const loaded = await this.#load(this.#next);
      if (loaded === undefined) return LOST;
      if (loaded.events.length > 0) return "reload";
      if (this.#inbox.some(isCancel)) {
        return await this.#leave({ to: "failed", result: null, error });
      }
    }
    return LOST;
  }

  #generationEnd({ unconsumed }: Execution): GenerationEnd {
    const { id: run, token, generation } = this.run;
    const signals = unconsumed.map(({ name, payload }) => ({ name, payload }));
    return { run, token, generation, next: this.#next, seed: randomId(), signals };
  }

  // ---- commit ---------------------------------------------------------------------------------

  /** Waits until something has happened, and writes it; leaves when nothing will for long. */
  async #commit(turn: Turn, effects: RunEffects): Promise<Step<readonly HistoryEvent[]>> {
    const unsaid = await this.#say(turn, effects); // E2
    if (unsaid !== undefined) return unsaid;
    this.#isHurried = false;
    const idleSince = this.#context.clock.monotonic();
    while (this.#phase !== "dropped") {
      if (this.#inboxStale) {
        const trouble = await this.#readInbox(effects);
        if (trouble !== undefined) return trouble;
      }
      effects.advance();
      if (this.#isInterrupted) return NOTHING;
      if (effects.hasNews) return await this.#append(effects.takeFacts(), effects);
      const { transaction } = effects;
      if (transaction !== undefined) return await this.#transact(transaction, effects);
      const left = await this.#rest(idleSince, effects);
      if (left !== undefined) return left;
    }
    return LOST;
  }

  /** Writes what a turn decided and said. */
  async #say(turn: Turn, effects: RunEffects): Promise<Departure | "reload" | undefined> {
    const said = annotations(turn);
    if (said.length === 0) return undefined;
    const written = await this.#append(said, effects);
    return Array.isArray(written) ? undefined : written as Departure | "reload";
  }

  /** E1: writes facts, and gives them back as they now stand in the history. */
  async #append(
    facts: readonly Fact[],
    effects: RunEffects,
  ): Promise<Step<readonly HistoryEvent[]>> {
    const written = await this.#write({
      events: facts.map((fact) => fact.event),
      consumed: [...facts.flatMap((fact) => fact.consumes ?? []), ...effects.takeDiscarded()],
      answered: facts.flatMap(({ task }) => task?.position ?? []),
    });
    if (!("at" in written)) {
      effects.salvage(facts);
      return again(written.step);
    }
    await failPoint("commit.written", { run: this.run.runId, events: facts.length });
    return this.#written(facts.map(({ event }) => event), written, effects);
  }

  /** Events as they now stand in the history. */
  #written(
    events: CommitEntry["events"],
    { at }: Committed,
    effects: RunEffects,
  ): readonly HistoryEvent[] {
    const first = this.#next;
    this.#next = first + events.length;
    const written = events.map((event, index) =>
      ({ ...event, seq: first + index, at }) as HistoryEvent
    );
    this.#weigh(events);
    effects.settle(written);
    return written;
  }

  async #transact(pending: Pending, effects: RunEffects): Promise<Step<readonly HistoryEvent[]>> {
    const { id: run, token } = this.run;
    const end = await effects.transact(pending, { run, token, first: this.#next });
    if (!("result" in end)) return await this.#append([{ event: end.event }], effects);
    // Nobody else writes this run's row for long: what did not fit is read anew.
    const { result } = end;
    const step = this.#stepOf(result.status === "busy" ? { status: "stale" } : result);
    return "at" in step ? this.#written([end.event], step, effects) : again(step.step);
  }

  async #readInbox(effects: RunEffects): Promise<Departure | "reload" | undefined> {
    const loaded = await this.#load(this.#next);
    if (loaded === undefined) return LOST;
    effects.receive(loaded.inbox);
    return loaded.events.length > 0 ? "reload" : undefined;
  }

  // ---- waiting and leaving --------------------------------------------------------------------

  /** Waits for something to happen; suspends the run when that may take long. */
  async #rest(idleSince: number, effects: RunEffects): Promise<Departure | "reload" | undefined> {
    const { clock, databaseClock, lingering } = this.#context;
    const lingerMs = this.#isHurried ? 0 : this.#context.lingerMs;
    const dueIn = effects.dueAt === null ? Infinity : effects.dueAt - databaseClock.now();
    const isStopping = this.#phase === "stopping";
    if (this.#alarm.isStirred || (effects.isBusy && !(isStopping && !effects.isActive))) {
      await this.#alarm.wait(dueIn);
      return undefined;
    }
    const lingers = idleSince + lingerMs - clock.monotonic();
    if (isStopping || (lingers <= 0 && dueIn > lingerMs)) return await this.#suspend(effects);
    lingering.add(this);
    await this.#alarm.wait(Math.min(dueIn, lingers > 0 ? lingers : Infinity));
    lingering.delete(this);
    return undefined;
  }

  /** E3, and S1 of the store: a message that came since the inbox was read is not slept over. */
  async #suspend(effects: RunEffects): Promise<Departure | "reload" | undefined> {
    const transition: Transition = effects.isBusy ? { to: "released", afterMs: 0 } : {
      to: "suspended",
      wakeAt: effects.dueAt,
      waits: effects.waits,
      wakeSeq: this.#wakeSeq,
    };
    const written = await this.#write({ events: [], consumed: [], transition });
    if ("at" in written) return departed(transition, written);
    if (written.step !== "woken") return written.step;
    this.#inboxStale = true;
    return undefined;
  }

  /** Moves the run out of this node's memory, with the last that is to be said of it. */
  async #leave(
    transition: Transition,
    facts: readonly Fact[] = [],
  ): Promise<Departure | "reload"> {
    const events = facts.map((fact) => fact.event);
    const written = await this.#write({ events, consumed: [], transition });
    return "at" in written ? departed(transition, written) : again(written.step);
  }

  async #leaveWithout(failure: CodeFailure): Promise<Departure> {
    if (failure.kind === "lasting") {
      return await this.#park("stuck_unknown_version", failure.reason);
    }
    const departure = await this.#leaveUnread({
      to: "released",
      afterMs: failure.kind === "passing" ? failure.afterMs : 0,
    });
    return failure.kind === "node" && departure !== LOST ? { kind: "excluded" } : departure;
  }

  async #park(state: StuckState, reason: StuckReason): Promise<Departure> {
    return await this.#leaveUnread({ to: state, reason });
  }

  /** Moves a run whose history was not read: reads its length first. */
  async #leaveUnread(transition: Transition): Promise<Departure> {
    while (this.#phase !== "dropped") {
      const { firstSeq } = this.run;
      const loaded = await this.#load(firstSeq);
      if (loaded === undefined) return LOST;
      this.#next = firstSeq + loaded.events.length;
      const departure = await this.#leave(transition);
      if (departure !== "reload") return departure;
    }
    return LOST;
  }

  // ---- the database ---------------------------------------------------------------------------

  async #write(
    share: Pick<CommitEntry, "events" | "consumed" | "answered" | "transition">,
  ): Promise<Write> {
    if (this.#phase === "dropped") return { step: LOST }; // E4
    const { id: run, token } = this.run;
    return this.#stepOf(
      await this.#context.journal.append({ run, token, first: this.#next, ...share }),
    );
  }

  #stepOf(result: Written): Write {
    switch (result.status) {
      case "written":
        this.#context.databaseClock.note(result.at);
        return result;
      case "stale":
        return { step: "reload" };
      case "woken":
        return { step: "woken" };
      case "refused":
        throw new Error(`The database refuses to store an event: ${result.error}`);
      default:
        return { step: LOST };
    }
  }

  async #load(from: number): Promise<LoadedRun | undefined> {
    this.#inboxStale = false; // now, not with the answer: a message may come after it was made
    const loaded = await this.#context.loads.add({ id: this.run.id, from });
    if (loaded === undefined || loaded.token !== this.run.token) return undefined;
    this.#wakeSeq = loaded.wakeSeq;
    this.#inbox = loaded.inbox;
    return loaded;
  }

  #weigh(events: readonly Pick<NewEvent, "payload">[], more = 0): void {
    const bytes = events.reduce(
      (sum, { payload }) => sum + EVENT_BYTES + (payload?.length ?? 0),
      more,
    );
    this.#weight += bytes;
    this.#context.weigh(bytes);
  }

  /** The code did something between two turns: another turn tells what. */
  #interrupt(): void {
    this.#isInterrupted = true;
    this.#alarm.stir();
  }
}

/** What an event takes in memory beside its payload, about. */
const EVENT_BYTES = 200;
const NOTHING: readonly HistoryEvent[] = [];
const EMPTY: Pick<LoadedRun, "events" | "tasks"> = { events: [], tasks: [] };

/** Only a suspension is asked to look at its inbox again; anything else would read all of it anew. */
function again(step: Departure | "reload" | "woken"): Departure | "reload" {
  return step === "woken" ? "reload" : step;
}
