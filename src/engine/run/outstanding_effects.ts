/**
 * The effects of one execution of a run: what its code requested, what the executor started for it,
 * and results that are not written yet. It lives from one read of the history to the next.
 *
 * - EFFECT-1: no effect starts if the lease may have run out, while the run leaves, or while a
 *   cancellation is about to be delivered to the code.
 * - EFFECT-2: an execution that has ended receives nothing: late results are dropped; except those
 *   of tasks, which have a fence of their own.
 * - EFFECT-3: a signal that goes to a wait in a race is the first event that is delivered after the
 *   turn that showed the wait to be awaited (ATTENTION-1 of `replay/attention.ts`).
 *
 * @module
 */

import { failPoint } from "../../base/failpoint.ts";
import { tooLarge } from "../../base/payload.ts";
import { decode } from "../../base/values.ts";
import { decodeError } from "../../base/values_failure.ts";
import type { ClaimedRun, InboxRow, LoadedRun, NewEvent, WaitRow } from "../../ports/rows.ts";
import type { TaskFence } from "../../ports/tasks.ts";
import type { AttemptFacts, AttemptTelemetry, StayTelemetry } from "../../ports/telemetry.ts";
import { decodeActivityFailure, type RetriedAttempt } from "../../replay/activity_failure.ts";
import { readAsk } from "../../replay/asks.ts";
import { type Command, isWaitingCall } from "../../replay/commands.ts";
import type { CancelRequest, HistoryEvent } from "../../replay/history.ts";
import type { Turn } from "../../replay/turn.ts";
import { type AttemptContext, startAttempt } from "./attempt.ts";
import { duty } from "../duty.ts";
import type { ExecutorContext } from "./executor_context.ts";
import type { Inbox } from "./inbox.ts";
import type { CallOutcome } from "./calls.ts";
import { childEnd, eventOf, failure, finalEvent, type PendingEvent } from "./pending_events.ts";
import { logFailure } from "../../base/log.ts";
import { type OutstandingCommand, OutstandingCommands } from "./outstanding_commands.ts";
import type { RunCode } from "../code/run_code.ts";
import { headersOf } from "../../workflow/run_policy.ts";
import { timeoutRequest } from "./policies.ts";
import type { Ending, TaskOwner } from "../activity/running_attempt.ts";
import { TransactionAttempt, type TransactionEnd, type TransactionFence } from "./transaction.ts";

/** Options of {@linkcode OutstandingEffects}. */
export interface OutstandingEffectsOptions {
  /** The run, in its present generation. */
  readonly run: ClaimedRun;
  /** Its code. */
  readonly code: RunCode;
  /** The history and tasks with which the execution begins. */
  readonly loaded: Pick<LoadedRun, "events" | "tasks">;
  /** Its messages. */
  readonly inbox: Inbox;
  /** What it needs from the node. */
  readonly context: ExecutorContext;
  /** Observes the stay of the run in this node's memory. */
  readonly stay: StayTelemetry | undefined;
  /** Called when something has happened. */
  readonly notify: () => void;
  /** Whether the run stays: for a run that leaves, nothing starts. */
  readonly stays: () => boolean;
  /** Called when another node may hold the run: the inbox must be read. */
  readonly invalidate: () => void;
  /** Called after an error of the engine: the execution can't continue. */
  readonly fail: (error: unknown) => void;
}

/** Limit of the characters of payloads in one share; a single event may have more. */
const SHARE_TEXT = 16 * 1_048_576;

/** The kinds of event that a message from outside becomes: they keep their order of arrival. */
const ARRIVED: ReadonlySet<string> = new Set([
  "signal.received",
  "ask.received",
  "cancel.requested",
]);

/** The kinds of message that become such events. */
const ARRIVES_IN_ORDER: ReadonlySet<InboxRow["kind"]> = new Set(["signal", "ask", "cancel"]);

/** The effects of one execution. */
export class OutstandingEffects {
  readonly #options: OutstandingEffectsOptions;
  readonly #attempts: AttemptContext;
  readonly #pending: OutstandingCommands;
  #pendingEvents: PendingEvent[] = [];
  /** Tokens of the tasks whose results are about to be written, by position. */
  readonly #answers = new Map<number, number>();
  #isCancelled: boolean;
  /**
   * Whether a cancellation is about to be delivered: nothing that it may withdraw starts
   * (EFFECT-1).
   */
  #isCancelDue = false;
  #isOver = false;
  /** Children whose start is under way, by position. */
  readonly #starting = new Map<number, Promise<void>>();
  /**
   * Requests to children that the code withdrew: the run neither suspends nor ends before they are
   * made.
   */
  readonly #errands = new Set<Promise<void>>();

  /** @param options Its options. */
  constructor(options: OutstandingEffectsOptions) {
    const { loaded, inbox, context, run: { runId, seed, policy }, stay } = options;
    this.#options = options;
    this.#attempts = { ...context, runId, headers: headersOf(policy), seed, stay };
    this.#pending = new OutstandingCommands(loaded.events, [...loaded.tasks, ...inbox.answered]);
    this.#isCancelled = loaded.events.some(({ kind }) => kind === "cancel.requested");
  }

  /**
   * Whether a cancellation has reached the command at a position; compensations are never
   * cancelled.
   */
  gaveUp(position: number): boolean {
    return (this.#pending.at(position)?.command.cancelled ?? null) !== null;
  }

  /** Whether the run was cancelled, on request or by its timeout. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Whether an attempt is under way, or is ready to start. */
  get isBusy(): boolean {
    return this.#pending.busy || this.#errands.size > 0;
  }

  /** Whether an attempt is under way. */
  get isActive(): boolean {
    return this.#pending.in("active").length > 0;
  }

  /** The earliest time at which something is due without a message, in database time. */
  get dueAt(): number | null {
    const { dueAt } = this.#pending;
    const deadline = this.#deadline;
    return dueAt === null || deadline === null ? dueAt ?? deadline : Math.min(dueAt, deadline);
  }

  /** When the run times out; a run that was cancelled does not. */
  get #deadline(): number | null {
    return this.#isCancelled ? null : this.#options.run.deadline;
  }

  /** What the row of a suspended run says that it waits for. */
  get waits(): WaitRow[] {
    return this.#pending.waits();
  }

  /** Takes what a turn requested and withdrew. */
  take(turn: Turn): void {
    this.#isCancelDue = false;
    for (const position of turn.withdrawn) this.#withdraw(position);
    for (const child of turn.withdrawnChildren) this.#giveUpChild(child);
    for (const command of turn.issued) this.#pending.issue(command);
  }

  /** Resolves when all withdrawn children have been asked to end. */
  async told(): Promise<void> {
    while (this.#errands.size > 0) await Promise.all(this.#errands);
  }

  /** Handles all that may have happened, and starts what may start. */
  advance(): void {
    this.#endCancelled();
    this.receive();
    this.#takeDue();
    this.#startReady();
  }

  /** Takes the messages that were read, and starts nothing. Returns whether it took one. */
  receive(): boolean {
    const { inbox, stay, context } = this.#options;
    let isLater = false;
    let hasTaken = false;
    inbox.take((message) => {
      // Signals and cancellations are delivered in their order of arrival.
      if (isLater && ARRIVES_IN_ORDER.has(message.kind)) return false;
      const taken = this.#takeMessage(message);
      if (taken === "later") isLater = true;
      if (taken !== true) return false;
      hasTaken = true;
      stay?.took(message, context.databaseClock.now());
      return true;
    });
    return hasTaken;
  }

  /**
   * Events to be written, or the first of many; the caller writes them, or passes them to
   * `salvage`.
   */
  takePendingEvents(): PendingEvent[] {
    let text = 0;
    const past = this.#pendingEvents.findIndex(({ event }, index) =>
      (text += event.payload?.length ?? 0) > SHARE_TEXT && index > 0
    );
    return this.#pendingEvents.splice(0, past === -1 ? this.#pendingEvents.length : past);
  }

  /** Whether there is something to write. */
  get hasNews(): boolean {
    return this.#pendingEvents.length > 0 || this.#options.inbox.hasDiscarded;
  }

  /** Called when events are written: the commands that they answer are settled. */
  settle(events: readonly HistoryEvent[]): void {
    for (const { kind, position } of events) {
      if (kind !== "attempt.failed" && position !== null) {
        this.#pending.settle(position);
        this.#answers.delete(position);
      }
    }
  }

  /** Whether a task's result is about to be written into the history. */
  writes({ position, token }: TaskFence): boolean {
    return this.#answers.get(position) === token;
  }

  /**
   * Saves the results of tasks that could not be written with the run: the tasks' own fences
   * decide.
   */
  salvage(pendingEvents: readonly PendingEvent[]): void {
    for (const { task, event } of pendingEvents) {
      if (task === undefined) continue;
      this.#options.context.tasks.salvage(task, event);
      this.#answers.delete(task.position);
    }
  }

  /** Ends the execution (EFFECT-2). */
  end(reason: string): void {
    this.#isOver = true;
    this.abort(reason);
    this.salvage(this.#pendingEvents.splice(0));
  }

  /** Aborts every attempt under way. */
  abort(reason: string): void {
    if (this.isActive) this.#pending.abort(new DOMException(reason, "AbortError"));
  }

  /** Observes an attempt of a task; `undefined`: nothing asks for it. */
  traced(position: number, facts: Omit<AttemptFacts, "stack">): AttemptTelemetry | undefined {
    const pending = this.#pending.at(position);
    if (pending === undefined || this.#isOver) return undefined;
    return this.#options.stay?.attempt({ ...facts, stack: pending.command.stack ?? null });
  }

  /** Receives the end of an activity whose task this node claimed from its queue. */
  answerTask(fence: TaskFence, ending: Ending): boolean {
    const pending = this.#pending.at(fence.position);
    if (pending === undefined) return false;
    const isWaiting = pending.state === "queued" || pending.state === "active" && pending.isGivenUp;
    return isWaiting && this.#answer(pending, ending, fence);
  }

  // ---- transactions ---------------------------------------------------------------------------

  /** The first transaction that may begin now. */
  get transaction(): OutstandingCommand | undefined {
    const { readyTransaction } = this.#pending;
    return readyTransaction !== undefined && this.#mayStart ? readyTransaction : undefined;
  }

  /**
   * Runs a transaction instead of a flush: its writes and its event commit together, behind the
   * fence. If its function fails, it is rolled back, and retried as a step is.
   *
   * @param pending The transaction.
   * @param fence Where its event is written.
   * @returns The outcome. The event of a failed attempt is still to be written; a transaction that
   * could not begin has no event.
   */
  async transact(pending: OutstandingCommand, fence: TransactionFence): Promise<TransactionEnd> {
    const attempt = new TransactionAttempt(pending.command, pending, this.#attempts);
    pending.state = "active";
    pending.running = attempt;
    const end = await attempt.run(this.#options.context.store, fence);
    delete pending.running;
    if ("retryMs" in end) { // TRANSACTION-2
      pending.dueAt = this.#options.context.databaseClock.now() + end.retryMs;
      pending.state = "resting";
    } else if (!("result" in end)) {
      this.#noteFailure(pending, end.event);
      pending.dueAt = end.retryAt;
      pending.state = end.retryAt === null ? "settled" : "resting";
    }
    return end;
  }

  // ---- starting -------------------------------------------------------------------------------

  /** EFFECT-1: whether an effect may start now. */
  get #mayStart(): boolean {
    const { stays, context } = this.#options;
    return stays() && !this.#isCancelDue && context.lease.fresh();
  }

  #startReady(): void {
    for (const pending of this.#pending.in("ready")) {
      if (!this.#mayStart) return;
      const { kind } = pending.command;
      const refusal = this.#refusal(pending);
      if (refusal !== null) this.#finish(pending, failure(pending, refusal));
      else if (kind === "child" || kind === "call") this.#act(pending);
      else if (kind === "activity") this.#ask(pending);
      else if (kind !== "transaction") this.#start(pending); // that takes the place of a flush
    }
  }

  /** Returns why an activity can't begin: its input is too large. Checked once (REPLAY-6). */
  #refusal({ command: { kind, name, input }, failures }: OutstandingCommand): Error | null {
    if (kind !== "activity" || input === null || failures.length > 0) return null;
    const what = `the input of activity ${JSON.stringify(name)}`;
    return tooLarge(input, what, this.#options.context.payloadBytes);
  }

  /**
   * Starts an attempt in this process: of a step, or of an activity that only this node can
   * execute.
   */
  #start(pending: OutstandingCommand): void {
    const running = startAttempt(pending.command, pending, this.#attempts);
    pending.state = "active";
    pending.running = running;
    pending.dueAt = null;
    this.#duty(`make an attempt of ${pending.command.name}`, async () => {
      const { event, retryAt } = await running.outcome;
      await failPoint("effect.done", { run: this.#options.run.runId, event });
      if (this.#isOver || pending.running !== running) return; // EFFECT-2
      delete pending.running;
      this.#noteFailure(pending, event);
      const isLast = retryAt === null || pending.command.cancelled !== null;
      pending.dueAt = isLast ? null : retryAt;
      this.#finish(pending, isLast ? finalEvent(pending, event) : event, isLast);
    });
  }

  /**
   * Makes an activity a task if possible, so that it may begin here, or be executed on any node.
   */
  #ask(pending: OutstandingCommand): void {
    const { code, context, run } = this.#options;
    const { activity } = pending.command.options;
    const place = activity === undefined ? null : code.activityCode?.(activity) ?? null;
    if (activity !== undefined && place === null) {
      if (code.activityCode !== undefined) context.warnings.unexported(run, activity.name);
      return this.#start(pending);
    }
    pending.state = "active";
    pending.dueAt = null;
    pending.running = context.tasks.ask(run, pending.command, place, this.#ownerOf(pending));
  }

  #ownerOf(pending: OutstandingCommand): TaskOwner {
    const { notify, invalidate, stay } = this.#options;
    const isAsking = () => !this.#isOver && pending.state === "active";
    const queued = (isLost: boolean) => {
      if (!isAsking()) return;
      delete pending.running;
      pending.state = "queued";
      const { position } = pending.command;
      if (this.#pending.at(position) === undefined) this.#giveBack([position]);
      if (isLost) invalidate(); // reading the run shows which node holds it
      notify();
    };
    return {
      get isCancelled() {
        return pending.command.cancelled !== null;
      },
      answer: (ending, fence) => isAsking() && this.#answer(pending, ending, fence),
      parked: () => queued(false),
      lost: () => queued(true),
      telemetry: stay && {
        get trace() {
          return stay.trace;
        },
        attempt: (facts) => this.traced(pending.command.position, facts),
      },
    };
  }

  /** Acts on another run, and repeats that until the database answers, which does no harm. */
  #act(pending: OutstandingCommand): void {
    const { command } = pending;
    const { run, context: { calls, children, databaseRetry }, notify } = this.#options;
    pending.state = "active";
    pending.isTold = false;
    const act = async (): Promise<CallOutcome> => {
      const { input, options: { child, call } } = command;
      const place = { command, trace: this.#options.stay?.trace };
      if (call !== undefined) return await calls.carryOut(run, call, place, input ?? "null");
      await children.start(run, child!, place, input!);
      return "waits";
    };
    const { promise: started, resolve: settle } = Promise.withResolvers<void>();
    if (command.kind === "child") this.#starting.set(command.position, started);
    this.#duty(`${command.kind} ${command.name}`, async () => {
      let done: CallOutcome | { readonly error: unknown } | undefined;
      try {
        done = await databaseRetry.run(`${command.kind} ${command.name}`, act);
      } catch (error) {
        done = { error };
      }
      this.#starting.delete(command.position);
      settle();
      if (this.#isOver || done === undefined) return; // EFFECT-2
      if (done === "waits") {
        pending.state = pending.isTold ? "ready" : "waiting";
        return notify();
      }
      this.#finish(
        pending,
        "error" in done
          ? failure(pending, done.error)
          : eventOf(command, "call.completed", done.answer),
      );
    });
  }

  // ---- what happened --------------------------------------------------------------------------

  #finish(pending: OutstandingCommand, event: NewEvent, isLast = true): void {
    pending.state = isLast ? "settled" : "resting";
    this.#pendingEvents.push({ event });
    this.#options.notify();
  }

  #answer(
    pending: OutstandingCommand,
    { kind, payload }: Ending,
    fence: TaskFence | null,
  ): boolean {
    if (this.#isOver) return false;
    delete pending.running;
    pending.state = "settled";
    const event = eventOf(pending.command, kind, payload);
    this.#pendingEvents.push(fence === null ? { event } : { event, task: fence });
    if (fence !== null) this.#answers.set(fence.position, fence.token);
    this.#options.notify();
    return true;
  }

  #noteFailure(pending: OutstandingCommand, { kind: event, payload }: NewEvent): void {
    if (!event.endsWith(".failed") || payload === null) return;
    const { command: { kind, name }, failures } = pending;
    const { run: { runId: run }, context: { log } } = this.#options;
    if (event !== "attempt.failed") {
      const error = event === "activity.failed"
        ? decodeActivityFailure(payload).cause
        : decodeError(payload);
      const attempt = (failures.at(-1)?.attempt ?? 0) + 1;
      return logFailure(log, { run, kind, name, attempt, error, nextAt: null });
    }
    const { attempt, error, retryAt } = decode(payload) as RetriedAttempt;
    logFailure(log, { run, kind, name, attempt, error: decodeError(error), nextAt: retryAt });
    const at = Math.floor(this.#options.context.databaseClock.now());
    pending.failures = [...pending.failures, { attempt, at, error }];
  }

  #withdraw(position: number): void {
    const pending = this.#pending.at(position);
    this.#pending.withdraw(position);
    if (pending?.state === "queued") this.#giveBack([position]);
    if (isWaitingCall(pending?.command.options.call)) {
      const { run, context: { databaseRetry, store: { runs } } } = this.#options;
      const forget = "forget that a run waits for another";
      this.#duty(forget, () => databaseRetry.run(forget, () => runs.forget(run.id, position)));
    }
  }

  /** Asks a child to end. If its start is under way, that comes first. */
  #giveUpChild({ position, options }: Command): void {
    const { run, context: { children, databaseRetry }, notify } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#errands.add(promise);
    duty(this.#options.context.log, "cancel a child", async () => {
      try {
        await this.#starting.get(position);
        const { id } = options.child!;
        await databaseRetry.run("cancel a child", () => children.giveUp(run, id));
      } finally {
        this.#errands.delete(promise);
        resolve();
        notify();
      }
    });
  }

  /** Cancels tasks that nothing waits for any more. */
  #giveBack(positions: readonly number[]): void {
    const { run, context } = this.#options;
    this.#duty("give tasks up", () => context.tasks.cancel(run, positions));
  }

  /** BACKGROUND-1: an error in background work ends this execution. */
  #duty(what: string, work: () => Promise<unknown>): void {
    duty(this.#options.context.log, what, work, (error) => {
      if (!this.#isOver) this.#options.fail(error);
    });
  }

  /**
   * Ends sleeps and waits that are due; makes attempts ready whose delay is over. Everything that
   * was due before the run timed out comes before the timeout.
   */
  #takeDue(): void {
    if (this.dueAt === null) return;
    const deadline = this.#deadline ?? Infinity;
    const clock = this.#options.context.databaseClock.now();
    const now = Math.min(clock, deadline);
    for (const pending of this.#pending.in("waiting")) {
      if (pending.dueAt === null || pending.dueAt > now) continue;
      pending.state = "settled";
      const kind = pending.command.kind === "sleep" ? "timer.fired" : "signal.timeout";
      this.#options.stay?.fired(clock - pending.dueAt);
      this.#pendingEvents.push({ event: eventOf(pending.command, kind, null) });
    }
    for (const pending of this.#pending.in("resting")) {
      if (pending.dueAt !== null && pending.dueAt > now) continue;
      pending.state = "ready";
      pending.dueAt = null;
    }
    if (deadline <= clock) this.#cancel({ payload: timeoutRequest(this.#options.run) });
  }

  // ---- messages -------------------------------------------------------------------------------

  /**
   * Passes a message to the commands that wait for it; returns whether it is used up. `later`: it
   * may be after the next write.
   */
  #takeMessage(message: InboxRow): boolean | "later" {
    switch (message.kind) {
      case "cancel":
        this.#takeCancel(message);
        return true;
      case "activity.completed":
      case "activity.failed":
        this.#takeAnswer(message);
        return true;
      case "awaited":
        this.#takeAwaited(message);
        return true;
      case "child":
        return this.#takeChildEnd(message);
      case "signal":
      case "ask":
        return this.#takeSignal(message);
      case "pause":
        return false; // until the run is resumed
    }
  }

  /**
   * Signals with one name go to the waits for that name in order; asks go to handlers (ASK-2).
   *
   * What is delivered before a signal may end the race that its wait is in, and no code would see the
   * signal. So it is the first event of its write, or comes with the next one (EFFECT-3).
   */
  #takeSignal(message: InboxRow): boolean | "later" {
    const { kind, name, payload } = message;
    const takers = this.#pending.waitingFor(name, kind === "ask");
    const [taker] = takers;
    if (taker === undefined) return false;
    const isRaced = taker.command.attention === "raced";
    if (isRaced && this.#pendingEvents.some(({ event }) => ARRIVED.has(event.kind))) return "later";
    const last = takers.at(-1)!;
    if (last !== taker) {
      const { run, context } = this.#options;
      context.warnings.outwaited(run, name, taker.command.position, last.command.position);
    }
    taker.state = "settled";
    const event = kind === "ask"
      ? { ...eventOf(taker.command, "ask.received", payload), name: readAsk(payload ?? "{}").ask }
      : { ...eventOf(taker.command, "signal.received", payload), name };
    const pending = { event, consumes: message.id };
    if (isRaced) this.#pendingEvents.unshift(pending);
    else this.#pendingEvents.push(pending);
    return true;
  }

  /**
   * Each `ctx.child` has an answer of its own; one answer serves all that wait by a handle
   * (REPLAY-7).
   */
  #takeChildEnd(message: InboxRow): boolean {
    const { starters, askers } = this.#pending.waitingForChild(message.name);
    const told = starters.length > 0 ? starters : askers.slice(0, 1);
    for (const pending of told) this.#consume(message, pending, childEnd);
    return told.length > 0;
  }

  /** Something that a command waits for may be there: it is carried out again (CALL-1). */
  #takeAwaited(message: InboxRow): void {
    this.#options.inbox.discard(message);
    const pending = this.#pending.at(message.position ?? -1);
    if (pending?.command.kind !== "call") return;
    pending.isTold = true;
    if (pending.state === "waiting") pending.state = "ready";
  }

  #consume(
    message: InboxRow,
    pending: OutstandingCommand | undefined,
    event: (pending: OutstandingCommand, payload: string | null) => NewEvent,
  ): boolean {
    if (pending === undefined) return false;
    pending.state = "settled";
    this.#pendingEvents.push({ event: event(pending, message.payload), consumes: message.id });
    return true;
  }

  /**
   * Takes the result of an activity; if nothing waits for it, the message is deleted. The event says
   * what has ended, so a replay finds it if the code waits for something else.
   */
  #takeAnswer(message: InboxRow): void {
    const { kind, position, payload } = message;
    const pending = this.#pending.at(position ?? -1);
    if (pending === undefined || pending.state === "settled") {
      this.#options.inbox.discard(message);
      return;
    }
    pending.running?.abort(new DOMException("The activity was completed elsewhere", "AbortError"));
    delete pending.running;
    const { name, digest = null } = message;
    const ended = { position: pending.command.position, name, digest };
    this.#consume(message, pending, () => eventOf(ended, kind, payload));
  }

  // ---- cancellation ---------------------------------------------------------------------------

  /** Takes a cancellation. Later requests are deleted, unless they are by force (REPLAY-8). */
  #takeCancel(message: InboxRow): void {
    const { force = false } = decode(message.payload ?? "{}") as CancelRequest;
    if (this.#isCancelled && !force) {
      this.#options.inbox.discard(message);
      return;
    }
    this.#cancel(message);
  }

  #cancel({ payload, id }: Pick<InboxRow, "payload"> & { readonly id?: number }): void {
    this.#isCancelled = true;
    this.#isCancelDue = true;
    const event = { kind: "cancel.requested", position: null, name: "", digest: null, payload };
    this.#pendingEvents.push(id === undefined ? { event } : { event, consumes: id });
  }

  /**
   * After a cancellation, effects that outlive it get no further attempt, and children are asked to
   * end.
   */
  #endCancelled(): void {
    if (!this.#isCancelled) return;
    const { run, context } = this.#options;
    const { unanswered, children } = this.#pending.endCancelled();
    for (const pending of unanswered) this.#failCancelled(pending);
    const queued = this.#pending.giveUpQueued();
    if (queued.length > 0) this.#duty("give tasks up", () => this.#giveUp(queued));
    for (const { command } of children) {
      const { id } = command.options.child!;
      const { children, databaseRetry } = context;
      const ask = () => children.cancel(run, id, "its parent was cancelled");
      duty(
        this.#options.context.log,
        "cancel a child",
        () => databaseRetry.run("cancel a child", ask),
      );
    }
  }

  /** Cancels tasks: those that no node executes are removed, and for the others the run waits. */
  async #giveUp(positions: readonly number[]): Promise<void> {
    const { run, context, notify } = this.#options;
    const gone = await context.tasks.cancel(run, positions);
    if (this.#isOver) return; // EFFECT-2
    for (const position of positions) {
      const pending = this.#pending.at(position);
      if (pending?.state !== "active") continue;
      if (gone.includes(position)) this.#failCancelled(pending);
      else pending.state = "queued";
    }
    notify();
  }

  #failCancelled(pending: OutstandingCommand): void {
    pending.state = "settled";
    this.#pendingEvents.push({ event: failure(pending, pending.command.cancelled) });
  }
}
