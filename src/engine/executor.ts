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

import type { Batcher } from "../base/batcher.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { CancelledError, isContinuumError } from "../base/errors.ts";
import { failPoint } from "../base/failpoint.ts";
import { decode, encode } from "../base/values.ts";
import { encodeError } from "../base/values_failure.ts";
import type {
  ClaimedRun,
  CommitEntry,
  CommitResult,
  EndState,
  InboxRow,
  LoadedRun,
  NewEvent,
  StuckReason,
  StuckState,
  Transition,
} from "../ports/rows.ts";
import type { Store } from "../ports/store.ts";
import type { TaskFence } from "../ports/tasks.ts";
import { encodeActivityFailure } from "../replay/activity_failure.ts";
import type { ActivityLike } from "../replay/commands.ts";
import type { HistoryEvent } from "../replay/history.ts";
import type { Execution } from "../replay/machine.ts";
import type { Outcome, Turn } from "../replay/turn.ts";
import { type AttemptContext, type FailedAttempt, startAttempt } from "./attempt.ts";
import type { Children } from "./children.ts";
import type { DatabaseClock } from "./database_clock.ts";
import type { JournalWriter, Written } from "./journal_writer.ts";
import { engineLog } from "./log.ts";
import type { NodeLease } from "./node_lease.ts";
import type { NodeTasks } from "./node_tasks.ts";
import type { Patience } from "./patience.ts";
import { type Pending, PendingCommands } from "./pending.ts";
import type { Ending, TaskOwner } from "./task_attempts.ts";
import { TransactionAttempt } from "./transaction.ts";

/** Claims in a row without progress after which a run is parked. */
export const POISON_CLAIMS = 5;

/** A run's code, ready to be executed. */
export interface RunCode {
  /**
   * Makes an execution of the run.
   *
   * @param options `trace`: note where each effect is asked for; `wake`: the code did something
   * between two turns.
   */
  execute(
    run: ClaimedRun,
    options?: { readonly trace?: boolean; readonly wake?: () => void },
  ): Execution;
  /**
   * Where in the version an activity is, so that any node can find it; `null`: no module exports it,
   * only this run's node can execute it. Absent: none can be found.
   */
  activityCode?(activity: ActivityLike): string | null;
}

/** Why a run's code can't be had, and what follows for the run. */
export type CodeFailure =
  /** It may work later: give the run back for that long. */
  | { readonly kind: "passing"; readonly afterMs: number }
  /** This node can't; another may. */
  | { readonly kind: "node" }
  /** Nobody can, until something changes. */
  | { readonly kind: "lasting"; readonly reason: StuckReason };

/** What an executor needs from its node. */
export interface ExecutorContext extends Omit<AttemptContext, "runId" | "generation"> {
  /** Finds a run's code. */
  readonly code: (run: ClaimedRun) => Promise<RunCode | CodeFailure>;
  /** Reads histories. */
  readonly loads: Batcher<{ readonly id: number; readonly from: number }, LoadedRun | undefined>;
  /** Writes histories. */
  readonly journal: JournalWriter;
  /** Where transactions and generations are. */
  readonly store: Pick<Store, "transact" | "lineage">;
  /** What runs do to other runs. */
  readonly children: Children;
  /** The version that new runs of a workflow take; `undefined`: none is registered. */
  readonly current: (
    workflow: string,
  ) => Promise<{ readonly hash: string; readonly specifier: string } | undefined>;
  /** Waits for a database that is away. */
  readonly patience: Patience;
  /** Activities of this node. */
  readonly tasks: NodeTasks;
  /** The node's lease. */
  readonly lease: NodeLease;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** Times waits. */
  readonly clock: Clock;
  /** How long a waiting run stays in memory, in milliseconds. */
  readonly lingerMs: number;
  /** Executors that do nothing but linger: the first to leave when room is wanted. */
  readonly lingering: Set<RunExecutor>;
}

/** How a run left this node's memory. */
export type Departure =
  | {
    readonly kind: "ended";
    readonly state: EndState;
    readonly result: string | null;
    readonly error: string | null;
    readonly watched: boolean;
    /** Whether its parent or children have still to be told. */
    readonly aftermath: boolean;
  }
  | { readonly kind: "stuck"; readonly state: StuckState; readonly watched: boolean }
  | { readonly kind: "suspended"; readonly wakeAt: number | null }
  | { readonly kind: "released" }
  | { readonly kind: "excluded" }
  | { readonly kind: "lost" };

/** A write that the database acknowledged. */
type Committed = Extract<CommitResult, { status: "written" }>;

type Step<T> = T | Departure | "reload";

interface Fact {
  readonly event: NewEvent;
  /** The message that it consumes. */
  readonly consumes?: number;
  /** The task that goes with it. */
  readonly task?: TaskFence;
}

const LOST: Departure = { kind: "lost" };

/** Executes one run for as long as this node holds it. */
export class RunExecutor {
  readonly #context: ExecutorContext;
  #run: ClaimedRun;
  #phase: "live" | "stopping" | "dropped" = "live";
  #code: RunCode | undefined;
  #pending = new PendingCommands([], []);
  #facts: Fact[] = [];
  /** Messages that nobody wants: gone with the next write. */
  #discarded: number[] = [];
  #cancelled = false;
  /** The request is on its way to the code: nothing that it may take back is started. */
  #cancelIsDue = false;
  #inbox: InboxRow[] = [];
  #inboxStale = false;
  #wakeSeq = 0;
  #next = 0;
  #wake: (() => void) | undefined;
  #woken = false;
  #interrupted = false;
  #hurried = false;

  /**
   * @param run The run, leased to this node.
   * @param context What it needs from the node.
   */
  constructor(run: ClaimedRun, context: ExecutorContext) {
    this.#run = run;
    this.#context = context;
  }

  /** The run, in its present generation. */
  get run(): ClaimedRun {
    return this.#run;
  }

  /** A message may have come, or the lease was renewed. */
  poke(options: { readonly message: boolean }): void {
    if (options.message) this.#inboxStale = true;
    this.#stir();
  }

  /** Its room is wanted: if it only lingers, it leaves now. */
  leave(): void {
    this.#hurried = true;
    this.#stir();
  }

  /** Finishes what is under way, gives the run back, and leaves. */
  stop(): void {
    if (this.#phase === "live") this.#phase = "stopping";
    this.#stir();
  }

  /** The lease is gone: leaves at once, without a word to the database (E4). */
  drop(): void {
    this.#phase = "dropped";
    this.#pending.abort(new DOMException("The run's lease was lost", "AbortError"));
    this.#stir();
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
      this.#pending.abort(new DOMException("The run has left this process", "AbortError"));
    }
  }

  async #drive(fresh: boolean): Promise<Departure> {
    if (this.run.claims > POISON_CLAIMS) {
      return await this.#park("stuck_poisoned", poisoned(this.run));
    }
    for (let empty = fresh;; empty = false) {
      const code = await this.#context.code(this.run);
      if ("kind" in code) return await this.#leaveWithout(code);
      const loaded = empty ? EMPTY : await this.#load(this.run.firstSeq);
      if (loaded === undefined) return LOST;
      const departure = await this.#live(code, loaded);
      this.#salvage(this.#facts);
      if (departure !== "reload") return departure;
      this.#pending.abort(new DOMException("The run's history is read anew", "AbortError"));
    }
  }

  async #live(
    code: RunCode,
    loaded: Pick<LoadedRun, "events" | "tasks">,
  ): Promise<Departure | "reload"> {
    const execution = code.execute(this.run, { wake: () => this.#interrupt() });
    const history = loaded.events as readonly HistoryEvent[];
    this.#code = code;
    const answered = this.#inbox.flatMap(({ position }) => position ?? []);
    this.#pending = new PendingCommands(history, [...loaded.tasks, ...answered]);
    this.#facts = [];
    this.#discarded = [];
    this.#cancelled = history.some(({ kind }) => kind === "cancel.requested");
    this.#next = this.run.firstSeq + history.length;
    if (!this.run.began && this.#inbox.some(({ kind }) => kind === "cancel")) {
      return await this.#cancelUnbegun();
    }
    let events = history;
    while (true) {
      this.#interrupted = false;
      this.#cancelIsDue = false;
      const turn = await execution.turn(events);
      const end = this.#apply(turn) ?? await this.#diagnose(turn, code, history);
      if (turn.outcome?.kind === "continued") {
        return await this.#continue(turn.outcome, execution);
      }
      const step = end === undefined ? await this.#commit(turn) : await this.#finish(end, turn);
      if (end !== undefined) this.#reportUnhandled(execution);
      if (!Array.isArray(step)) return step as Departure | "reload";
      events = step;
    }
  }

  /** Cancelled before any of its code ran: none runs. */
  async #cancelUnbegun(): Promise<Departure | "reload"> {
    const request = this.#inbox.find(({ kind }) => kind === "cancel");
    const { reason = null } = decode(request?.payload ?? "{}") as { reason?: string | null };
    const error = encodeError(new CancelledError(reason));
    const transition: Transition = { to: "cancelled", result: null, error };
    const written = await this.#write({ events: [], consumed: [], transition });
    return "at" in written ? departed(transition, written) : again(written.step);
  }

  // ---- apply ----------------------------------------------------------------------------------

  /** Takes in what a turn asked for; answers with the run's end, if that is it. */
  #apply(turn: Turn): Transition | undefined {
    if (turn.drift !== null || turn.refused !== null) return undefined;
    for (const position of turn.withdrawn) this.#withdraw(position);
    for (const command of turn.issued) this.#pending.issue(command);
    if (turn.outcome === null || turn.outcome.kind === "continued") return undefined;
    return turn.outcome.kind === "completed"
      ? { to: "completed", result: turn.outcome.result, error: null }
      : { to: turn.outcome.kind, result: null, error: turn.outcome.error };
  }

  #withdraw(position: number): void {
    const isQueued = this.#pending.at(position)?.state === "queued";
    this.#pending.withdraw(position);
    if (isQueued) void this.#context.tasks.cancel(this.run, [position]);
  }

  #reportUnhandled({ unhandled }: Execution): void {
    for (const reason of unhandled) {
      engineLog.warn("Run {run} left a rejected promise unhandled: {reason}", {
        run: this.run.runId,
        reason,
      });
    }
  }

  /** A turn that code and history, or code and rules, disagree in parks the run. */
  async #diagnose(
    turn: Turn,
    code: RunCode,
    history: readonly HistoryEvent[],
  ): Promise<Transition | undefined> {
    if (turn.drift !== null) {
      const traced = await code.execute(this.run, { trace: true }).turn(history);
      const drift = traced.drift ?? turn.drift;
      return stuck({ code: "DRIFT", message: drift.message, details: drift });
    }
    if (turn.refused !== null) {
      return stuck({
        code: "NONDETERMINISTIC_CALL",
        message: turn.refused.message,
        details: turn.refused,
      });
    }
    if (!turn.idle) return undefined;
    return stuck({
      code: "FOREIGN_WAIT",
      message: `Workflow "${this.run.workflow}" neither ended nor waits for anything of the ` +
        `engine's: it awaits a promise that only "ctx" could settle again on a replay; ` +
        `do such work in ctx.run(...) or in an activity`,
    });
  }

  // ---- commit ---------------------------------------------------------------------------------

  /** Waits until something has happened, and writes it; leaves when nothing will for long. */
  async #commit(turn: Turn): Promise<Step<readonly HistoryEvent[]>> {
    const said = annotations(turn);
    if (said.length > 0) { // E2
      const written = await this.#append(said);
      if (!Array.isArray(written)) return written;
    }
    this.#hurried = false;
    const idleSince = this.#context.clock.monotonic();
    while (this.#phase !== "dropped") {
      this.#endCancelled();
      if (this.#inboxStale) {
        const trouble = await this.#readInbox();
        if (trouble !== undefined) return trouble;
      }
      this.#takeMessages();
      this.#takeDue();
      this.#startReady();
      if (this.#interrupted) return NOTHING;
      if (this.#facts.length > 0) return await this.#append(this.#facts.splice(0));
      if (this.#discarded.length > 0) return await this.#append([]);
      const transaction = this.#pending.readyTransaction;
      if (transaction !== undefined && this.#mayStart) return await this.#transact(transaction);
      const left = await this.#rest(idleSince);
      if (left !== undefined) return left;
    }
    return LOST;
  }

  get #mayStart(): boolean {
    return this.#phase === "live" && !this.#cancelIsDue && this.#context.lease.fresh();
  }

  /** Starts what may start: never on a lease that may have run out (L3). */
  #startReady(): void {
    if (!this.#mayStart) return;
    for (const pending of [...this.#pending.in("ready")]) {
      if (!this.#context.lease.fresh()) return;
      const { kind } = pending.command;
      if (kind === "child" || kind === "call") this.#act(pending);
      else if (kind !== "transaction") this.#start(pending); // a transaction takes its turn below
    }
  }

  /** Does something to another run: repeated until the database answers, since it harms nothing. */
  #act(pending: Pending): void {
    const { command } = pending;
    const { children, patience } = this.#context;
    const attempts = this.#pending;
    pending.state = "active";
    const act = async () => {
      const { child, call } = command.options;
      if (call === undefined) await children.start(this.run, child!, command.input!);
      else await children.call(this.run, call, command.position, command.input ?? "null");
    };
    patience.until(`${command.kind} ${command.name}`, async () => {
      try {
        await act();
        return {};
      } catch (error) {
        if (isContinuumError(error)) return { error };
        throw error;
      }
    }).then((done) => {
      if (this.#pending !== attempts || done === undefined) return; // another life
      if (done.error !== undefined) {
        pending.state = "settled";
        this.#facts.push({ event: failure(pending, done.error) });
      } else if (command.kind === "child") {
        pending.state = "waiting";
      } else {
        pending.state = "settled";
        this.#facts.push({ event: eventOf(pending, "call.completed", null) });
      }
      this.#stir();
    });
  }

  /**
   * Runs a transaction in place of a flush: its writes and its event commit together, behind the
   * fence. What fails inside is rolled back, and tried again as any step is.
   */
  async #transact(pending: Pending): Promise<Step<readonly HistoryEvent[]>> {
    const { command } = pending;
    const { id: run, token } = this.run;
    const attempt = new TransactionAttempt(command, pending, this.#attemptContext);
    pending.state = "active";
    pending.running = attempt;
    const end = await attempt.run(this.#context.store, { run, token, first: this.#next });
    delete pending.running;
    if ("result" in end) {
      // Nobody else writes this run's row for long: what did not fit is read anew.
      const { result } = end;
      const step = this.#stepOf(result.status === "busy" ? { status: "stale" } : result);
      if (!("at" in step)) return again(step.step);
      this.#next++;
      this.#pending.settle(command.position);
      return [{ ...end.event, seq: this.#next - 1, at: step.at } as HistoryEvent];
    }
    const { event, retryAt } = end;
    this.#noteFailure(pending, event);
    pending.dueAt = retryAt;
    pending.state = retryAt === null ? "settled" : "resting";
    return await this.#append([{ event }]);
  }

  get #attemptContext(): AttemptContext {
    const { runId, generation } = this.run;
    return { ...this.#context, runId, generation };
  }

  #start(pending: Pending): void {
    const { kind, options: { activity } } = pending.command;
    if (kind === "activity") {
      const code = activity === undefined ? null : this.#code?.activityCode?.(activity) ?? null;
      if (activity === undefined || code !== null) return this.#ask(pending, code);
    }
    this.#startInPlace(pending);
  }

  /** An activity is a task: it may begin here, or be executed anywhere. */
  #ask(pending: Pending, code: string | null): void {
    const attempts = this.#pending;
    const isAsking = () => this.#pending === attempts && pending.state === "active";
    const queued = (isLost: boolean) => {
      if (!isAsking()) return;
      delete pending.running;
      pending.state = "queued";
      const { position } = pending.command;
      if (attempts.at(position) === undefined) {
        void this.#context.tasks.cancel(this.run, [position]);
      }
      if (isLost) this.#inboxStale = true; // who holds the run is seen by reading it
      this.#stir();
    };
    const owner: TaskOwner = {
      get isCancelled() {
        return pending.command.cancelled !== null;
      },
      answer: (ending, fence) => isAsking() && this.#answer(pending, ending, fence),
      parked: () => queued(false),
      lost: () => queued(true),
    };
    pending.state = "active";
    pending.dueAt = null;
    pending.running = this.#context.tasks.ask(this.run, pending.command, code, owner);
  }

  /** Takes the end of an activity whose task was claimed from its queue by this node. */
  answerTask(fence: TaskFence, ending: Ending): boolean {
    const pending = this.#pending.at(fence.position);
    if (pending === undefined) return false;
    const isWaiting = pending.state === "queued" || pending.state === "active" && pending.isGivenUp;
    return isWaiting && this.#answer(pending, ending, fence);
  }

  /** Whether the run was cancelled. */
  get isCancelled(): boolean {
    return this.#cancelled;
  }

  #answer(pending: Pending, { kind, payload }: Ending, fence: TaskFence | null): boolean {
    if (this.#phase === "dropped") return false;
    delete pending.running;
    pending.state = "settled";
    const event = eventOf(pending, kind, payload);
    this.#facts.push(fence === null ? { event } : { event, task: fence });
    this.#stir();
    return true;
  }

  /** What could not be written with the run is not lost: the tasks' own fences decide. */
  #salvage(facts: readonly Fact[]): void {
    for (const { task, event } of facts) {
      if (task !== undefined) this.#context.tasks.salvage(task, event);
    }
  }

  #startInPlace(pending: Pending): void {
    const attempts = this.#pending;
    const running = startAttempt(pending.command, pending, this.#attemptContext);
    pending.state = "active";
    pending.running = running;
    pending.dueAt = null;
    running.outcome.then(async ({ event, retryAt }) => {
      await failPoint("effect.done", { run: this.run.runId, event });
      if (this.#pending !== attempts || pending.running !== running) return; // another life
      delete pending.running;
      this.#noteFailure(pending, event);
      const isLast = retryAt === null || pending.command.cancelled !== null;
      pending.dueAt = isLast ? null : retryAt;
      pending.state = isLast ? "settled" : "resting";
      this.#facts.push({ event: isLast ? lastWord(pending, event) : event });
      this.#stir();
    });
  }

  #noteFailure(pending: Pending, { kind, payload }: NewEvent): void {
    if (kind !== "attempt.failed" || payload === null) return;
    const { attempt, error } = decode(payload) as FailedAttempt;
    const at = Math.floor(this.#context.databaseClock.now());
    pending.failures = [...pending.failures, { attempt, at, error }];
  }

  async #readInbox(): Promise<Departure | "reload" | undefined> {
    const loaded = await this.#load(this.#next);
    if (loaded === undefined) return LOST;
    return loaded.events.length > 0 ? "reload" : undefined;
  }

  /** What outlives a cancellation gets no other attempt; children are asked to end. */
  #endCancelled(): void {
    if (!this.#cancelled) return;
    const { unanswered, children } = this.#pending.endCancelled();
    for (const pending of unanswered) this.#failCancelled(pending);
    const queued = this.#pending.giveUpQueued();
    if (queued.length > 0) void this.#giveUp(queued);
    for (const { command } of children) {
      this.#context.children.cancel(this.run, command.options.child!.id, "its parent was cancelled")
        .catch((error) => engineLog.warn("Cannot cancel a child: {error}", { error }));
    }
  }

  /** Tasks that nobody executes are gone at once; of the others, the end is waited for. */
  async #giveUp(positions: readonly number[]): Promise<void> {
    const attempts = this.#pending;
    const gone = await this.#context.tasks.cancel(this.run, positions);
    if (this.#pending !== attempts) return;
    for (const position of positions) {
      const pending = attempts.at(position);
      if (pending?.state !== "active") continue;
      if (!gone.includes(position)) {
        pending.state = "queued";
        continue;
      }
      pending.state = "settled";
      this.#failCancelled(pending);
    }
    this.#stir();
  }

  #failCancelled(pending: Pending): void {
    this.#facts.push({ event: failure(pending, pending.command.cancelled) });
  }

  /** A run is cancelled once; requests that come later are read and forgotten. */
  #takeCancel(message: InboxRow): void {
    if (this.#cancelled) {
      this.#discarded.push(message.id);
      return;
    }
    this.#cancelled = true;
    this.#cancelIsDue = true;
    const { payload } = message;
    this.#facts.push({
      event: { kind: "cancel.requested", position: null, name: "", digest: null, payload },
      consumes: message.id,
    });
  }

  /** An answer that nobody waits for any more is read and forgotten. */
  #takeAnswer(message: InboxRow): void {
    const pending = this.#pending.at(message.position ?? -1);
    if (pending === undefined || pending.state === "settled") {
      this.#discarded.push(message.id);
      return;
    }
    pending.running?.abort(new DOMException("The activity was completed elsewhere", "AbortError"));
    delete pending.running;
    pending.state = "settled";
    this.#facts.push({
      event: eventOf(pending, message.name, message.payload),
      consumes: message.id,
    });
  }

  /** Hands messages to the waits that want them: first come, first served, by name. */
  #takeMessages(): void {
    this.#inbox = this.#inbox.filter((message) => {
      if (message.kind === "cancel") {
        this.#takeCancel(message);
        return false;
      }
      if (message.kind === "activity") {
        this.#takeAnswer(message);
        return false;
      }
      const isSignal = message.kind === "signal";
      const pending = isSignal
        ? this.#pending.waitingFor(message.name)
        : this.#pending.waitingForChild(message.name);
      if (pending === undefined) return true;
      pending.state = "settled";
      this.#facts.push({
        event: isSignal
          ? eventOf(pending, "signal.received", message.payload)
          : childEnd(pending, message.payload),
        consumes: message.id,
      });
      return false;
    });
  }

  /** Ends sleeps and waits whose time has come; wakes attempts that rested long enough. */
  #takeDue(): void {
    const now = this.#context.databaseClock.now();
    for (const pending of [...this.#pending.in("waiting")]) {
      if (pending.dueAt === null || pending.dueAt > now) continue;
      pending.state = "settled";
      const kind = pending.command.kind === "sleep" ? "timer.fired" : "signal.timeout";
      this.#facts.push({ event: eventOf(pending, kind, null) });
    }
    for (const pending of [...this.#pending.in("resting")]) {
      if (pending.dueAt !== null && pending.dueAt > now) continue;
      pending.state = "ready";
      pending.dueAt = null;
    }
  }

  /** E1: writes facts, and gives them back as they now stand in the history. */
  async #append(facts: readonly Fact[]): Promise<Step<readonly HistoryEvent[]>> {
    const first = this.#next;
    const written = await this.#write({
      events: facts.map((fact) => fact.event),
      consumed: [...facts.flatMap((fact) => fact.consumes ?? []), ...this.#discarded.splice(0)],
      answered: facts.flatMap(({ task }) => task?.position ?? []),
    });
    if (!("at" in written)) {
      this.#salvage(facts);
      return again(written.step);
    }
    this.#next = first + facts.length;
    await failPoint("commit.written", { run: this.run.runId, events: facts.length });
    return facts.map(({ event }, index) => {
      if (event.kind !== "attempt.failed" && event.position !== null) {
        this.#pending.settle(event.position);
      }
      return { ...event, seq: first + index, at: written.at } as HistoryEvent;
    });
  }

  /** The next generation: the same run, row and lease, and a history that starts anew. */
  async #continue(
    { input, version }: Extract<Outcome, { kind: "continued" }>,
    execution: Execution,
  ): Promise<Departure | "reload"> {
    const { id: run, token, generation, hash, specifier, workflow } = this.run;
    const { patience, store: { lineage }, current } = this.#context;
    const seed = crypto.randomUUID();
    const continued = await patience.until("continue a run as new", async () => {
      const target = version === "current" ? await current(workflow) : undefined;
      const next = { ...(target ?? { hash, specifier }), input, seed };
      const signals = execution.unconsumed.map(({ name, payload }) => ({ name, payload }));
      const fence = { run, token, generation, next: this.#next };
      const at = await lineage.continueAsNew({ ...fence, ...next, signals });
      return at === null ? null : { ...next, startedAt: at };
    });
    if (this.#phase === "dropped" || !continued) return LOST;
    this.#run = {
      ...this.run,
      ...continued,
      generation: generation + 1,
      firstSeq: this.#next,
      began: true,
      claims: 1,
    };
    return "reload";
  }

  async #finish(transition: Transition, turn: Turn): Promise<Departure | "reload"> {
    const facts = transition.to.startsWith("stuck_") ? [] : annotations(turn);
    const written = await this.#write({
      events: facts.map((fact) => fact.event),
      consumed: [],
      transition,
    });
    if (!("at" in written)) return again(written.step);
    this.#pending.abort(new DOMException("The run has ended", "AbortError"));
    return departed(transition, written);
  }

  // ---- waiting and leaving --------------------------------------------------------------------

  /** Waits for something to happen; suspends the run when that may take long. */
  async #rest(idleSince: number): Promise<Departure | "reload" | undefined> {
    const { clock, databaseClock, lingering } = this.#context;
    const lingerMs = this.#hurried ? 0 : this.#context.lingerMs;
    const dueIn = this.#pending.dueAt === null
      ? Infinity
      : this.#pending.dueAt - databaseClock.now();
    if (this.#woken) return this.#slept();
    const stopping = this.#phase === "stopping";
    if (!this.#pending.busy || (stopping && !this.#active)) {
      const lingers = idleSince + lingerMs - clock.monotonic();
      if (stopping || (lingers <= 0 && dueIn > lingerMs)) return await this.#suspend();
      lingering.add(this);
      await this.#sleep(Math.min(dueIn, lingers > 0 ? lingers : Infinity));
      lingering.delete(this);
    } else {
      await this.#sleep(dueIn);
    }
    return this.#slept();
  }

  get #active(): boolean {
    return !this.#pending.in("active")[Symbol.iterator]().next().done;
  }

  /** E3, and S1 of the store: a message that came since the inbox was read is not slept over. */
  async #suspend(): Promise<Departure | "reload" | undefined> {
    const transition: Transition = this.#pending.busy ? { to: "released", afterMs: 0 } : {
      to: "suspended",
      wakeAt: this.#pending.dueAt,
      waits: this.#pending.waits(),
      wakeSeq: this.#wakeSeq,
    };
    const written = await this.#write({ events: [], consumed: [], transition });
    if ("at" in written) return departed(transition, written);
    if (written.step !== "woken") return written.step;
    this.#inboxStale = true;
    return undefined;
  }

  async #leaveWithout(failure: CodeFailure): Promise<Departure> {
    if (failure.kind === "lasting") {
      return await this.#park("stuck_unknown_version", failure.reason);
    }
    const transition: Transition = {
      to: "released",
      afterMs: failure.kind === "passing" ? failure.afterMs : 0,
    };
    const written = await this.#writeAnyhow(transition);
    if (!written) return LOST;
    return failure.kind === "node" ? { kind: "excluded" } : { kind: "released" };
  }

  async #park(state: StuckState, reason: StuckReason): Promise<Departure> {
    const watched = await this.#writeAnyhow({ to: state, reason });
    return watched === undefined ? LOST : { kind: "stuck", state, watched: watched.watched };
  }

  /** Moves a run whose history was not read: reads its length first. */
  async #writeAnyhow(transition: Transition): Promise<{ readonly watched: boolean } | undefined> {
    while (this.#phase !== "dropped") {
      const { firstSeq } = this.run;
      const loaded = await this.#load(firstSeq);
      if (loaded === undefined) return undefined;
      this.#next = firstSeq + loaded.events.length;
      const written = await this.#write({ events: [], consumed: [], transition });
      if ("at" in written) return written;
      if (written.step !== "reload") return undefined;
    }
    return undefined;
  }

  // ---- journal --------------------------------------------------------------------------------

  async #write(
    share: Pick<CommitEntry, "events" | "consumed" | "answered" | "transition">,
  ): Promise<Committed | { step: Departure | "reload" | "woken" }> {
    if (this.#phase === "dropped") return { step: LOST }; // E4
    const { id: run, token } = this.run;
    return this.#stepOf(
      await this.#context.journal.append({ run, token, first: this.#next, ...share }),
    );
  }

  #stepOf(result: Written): Committed | { step: Departure | "reload" | "woken" } {
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
    this.#inbox = [...loaded.inbox];
    return loaded;
  }

  // ---- the one wait ---------------------------------------------------------------------------

  #stir(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** The code did something between two turns: another turn tells what. */
  #interrupt(): void {
    this.#interrupted = true;
    this.#stir();
  }

  #slept(): undefined {
    this.#woken = false;
    return undefined;
  }

  async #sleep(ms: number): Promise<void> {
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (ms !== Infinity) timer = this.#context.clock.after(ms, resolve);
    });
    timer?.cancel();
    this.#wake = undefined;
  }
}

const NOTHING: readonly HistoryEvent[] = [];
const EMPTY: Pick<LoadedRun, "events" | "tasks"> = { events: [], tasks: [] };

function eventOf({ command }: Pending, kind: string, payload: string | null): NewEvent {
  const { position, name, digest } = command;
  return { kind, position, name, digest, payload };
}

/** What a turn decided and said, which has no answer. */
function annotations({ patches, notes }: Turn): Fact[] {
  if (patches.length === 0 && notes.length === 0) return [];
  const none = { position: null, digest: null, payload: null };
  return [
    ...patches.map((name) => ({ event: { ...none, kind: "patched", name } })),
    ...notes.map((note) => ({ event: { ...none, ...note, name: "" } })),
  ];
}

function failure(pending: Pending, error: unknown): NewEvent {
  const { kind } = pending.command;
  const encoded = encodeError(error);
  return eventOf(
    pending,
    `${kind}.failed`,
    kind === "child" ? encode({ state: "failed", error: encoded }) : encoded,
  );
}

/** A child's end, as its parent is told of it. */
function childEnd(pending: Pending, payload: string | null): NewEvent {
  const { state, result, error } = JSON.parse(payload ?? "{}") as Record<string, string | null>;
  return state === "completed"
    ? eventOf(pending, "child.completed", result ?? null)
    : eventOf(pending, "child.failed", encode({ state, error }));
}

/** The event of an attempt that is the last, though it might have been tried again. */
function lastWord(pending: Pending, event: NewEvent): NewEvent {
  if (event.kind !== "attempt.failed" || event.payload === null) return event;
  const { error } = decode(event.payload) as FailedAttempt;
  const isActivity = pending.command.kind === "activity";
  const payload = isActivity ? encodeActivityFailure(pending.failures, error) : error;
  return eventOf(pending, `${pending.command.kind}.failed`, payload);
}

/** Only a suspension is asked to look at its inbox again; anything else would read all of it anew. */
function again(step: Departure | "reload" | "woken"): Departure | "reload" {
  return step === "woken" ? "reload" : step;
}

function stuck(reason: StuckReason): Transition {
  return { to: "stuck_nondeterminism", reason };
}

function poisoned(run: ClaimedRun): StuckReason {
  return {
    code: "POISONED",
    message: `Run "${run.runId}" was claimed ${run.claims - 1} times in a row without writing ` +
      `anything: whatever executes it seems to die of it`,
    details: { claims: run.claims - 1 },
  };
}

/** The engine's own mistakes: the run is kept as it is, for a better release and a `retry`. */
function broken(error: unknown): StuckReason {
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "ENGINE_ERROR",
    message: `The engine cannot execute the run: ${message}`,
    details: { stack: error instanceof Error ? error.stack : undefined },
  };
}

function departed(transition: Transition, { watched, aftermath }: Committed): Departure {
  switch (transition.to) {
    case "suspended":
      return { kind: "suspended", wakeAt: transition.wakeAt };
    case "released":
      return { kind: "released" };
    case "completed":
    case "failed":
    case "cancelled":
    case "terminated": {
      const { to: state, result, error } = transition;
      return { kind: "ended", state, result, error, watched, aftermath };
    }
    default:
      return { kind: "stuck", state: transition.to, watched };
  }
}
