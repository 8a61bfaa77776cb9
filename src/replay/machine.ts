/**
 * The replay machine: `(workflow, input, history) -> commands`. It has no I/O, clock or randomness
 * of its own; its executor decides when effects run and what is journaled.
 *
 * - REPLAY-1: events are delivered in journal order, one at a time, and microtasks are drained
 *   after each without exception, live and on replay. So the code sees one order, however events
 *   are batched.
 * - REPLAY-2: a command's position is its place in program order. Every requested effect counts,
 *   also one that is answered at once or was aborted before it was requested.
 * - REPLAY-3: a delivery settles the outstanding command at its position if kind, name and digest
 *   match. It is ignored if that command was withdrawn; anything else is drift.
 * - REPLAY-4: a promise is settled with a value decoded from the journal's text, never with a live
 *   object.
 * - REPLAY-5: the code makes progress only within turns. If it makes progress between them, a
 *   promise that is not the engine's has resumed it. The machine refuses that wherever it can
 *   detect it: at an effect, at a look at an effect's promise, at the run's time or randomness, at
 *   a refused global, at the end of the function.
 * - REPLAY-6: a value's size is checked once: a value in the history was accepted, and a value that
 *   the history says was refused is refused again, whatever the limit is now.
 * - REPLAY-7: a child ends once: the event of its end answers all commands that wait for it by its
 *   handle, and all later ones.
 * - REPLAY-8: a cancellation is thrown into workflow code once: by the effects that it rejects, or,
 *   if every pending effect was allowed to finish and succeeded, by the next effect. It is not
 *   thrown once the code has read `cancelSignal`, and never in a compensation. Each later request
 *   by force is thrown once more, also by effects that the first one allowed to finish. Effects of
 *   handlers reject too, and the main function learns of it by itself.
 * - REPLAY-9: a line is logged once. After each turn the machine knows up to where lines were
 *   logged; the next write stores that, and the history returns it. If a node is lost after the
 *   turn and before that write, a line may be logged twice; none is left out. A run that logs
 *   nothing writes nothing for this.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import { checkAbortSignal, refuse } from "../base/arguments.ts";
import { ignoreRejection, inBackground } from "../base/background.ts";
import {
  CancelledError,
  ContextError,
  isContinuumError,
  isTimeoutOfRun,
  NondeterministicCallError,
  PayloadTooLargeError,
  runTimeout,
} from "../base/errors.ts";
import { digestText } from "../base/digest.ts";
import { checkPayload, tooLarge } from "../base/payload.ts";
import { SeededRandom } from "../base/random.ts";
import { stackless } from "../base/stackless.ts";
import { messageOf } from "../base/text.ts";
import { decode, encode } from "../base/values.ts";
import { encodeError } from "../base/values_failure.ts";
import { type Answer, bringsSignal } from "./asks.ts";
import { callSite, CallStack, showSite } from "./call_stack.ts";
import { isWaitingCall } from "./commands.ts";
import { Conditions } from "./conditions.ts";
import { ContinueAsNew } from "./continue_as_new.ts";
import { type Mismatch, reportDrift } from "./drift.ts";
import { EffectScopes, type ScopeOptions, type ScopeView } from "./effect_scopes.ts";
import type { Body, Effects, ExecutionOptions, TurnOptions } from "./effects.ts";
import { Handlers } from "./handlers.ts";
import type { CancelRequest, HistoryEvent } from "./history.ts";
import { isNote, type NoteKind, Notes } from "./notes.ts";
import { Identities, type Identity, readOrigin } from "./origins.ts";
import { openDrift, type OpenEffect } from "./open_effects.ts";
import { Patches } from "./patches.ts";
import { Queries, type QueryAnswer, type QueryFunction } from "./queries.ts";
import { type Request, RequestedCommand } from "./requested_command.ts";
import { duringTurn, outside, scope, type WorkflowScope } from "./scope.ts";
import {
  ANSWERS,
  awaitedChildId,
  type Delivery,
  isDelivery,
  mismatch,
  outlivesCancel,
  read,
  received,
  SETTLE,
  takesEvent,
} from "./settle.ts";
import type { DriftReport, LogLevel, Outcome, Refusal, RunStart, Turn } from "./turn.ts";

export type { Body, Effects, ExecutionOptions, TurnOptions } from "./effects.ts";

/** One execution of one run, in memory. Dropping it is eviction. */
export class Execution implements Effects, WorkflowScope {
  readonly kind = "workflow";
  readonly start: RunStart;
  readonly startedAt: number;
  readonly #body: Body;
  readonly #options: ExecutionOptions;
  readonly #outstanding = new Map<number, RequestedCommand>();
  readonly #withdrawn = new Map<number, RequestedCommand>();
  /** Commands that were answered before the code had awaited them. */
  readonly #answeredUnawaited: RequestedCommand[] = [];
  readonly #signals: HistoryEvent[] = [];
  /** Positions of activities that succeeded by the history: no error will need their call site. */
  readonly #succeeded = new Set<number>();
  /** How children have ended, by id (REPLAY-7). */
  readonly #childEnds = new Map<string, HistoryEvent>();
  readonly #patches = new Patches();
  readonly #notes = new Notes();
  readonly #conditions = new Conditions();
  readonly handlers: Handlers = new Handlers();
  readonly #rejections = new Map<Promise<unknown>, unknown>();
  /** `null`: the code has no query. */
  #queries: Queries | null = null;
  /** `null`: the code has opened no scope. */
  #scopes: EffectScopes | null = null;
  /** `null`: the run is no fork. */
  readonly #identities: Identities | null;
  /** Errors of the code that no code could catch. */
  readonly #thrown: unknown[] = [];
  #randomness: SeededRandom | null = null;
  #started = false;
  #busy = false;
  /** Whether a condition is being looked at. */
  #isLooking = false;
  #inTurn = false;
  #now: number;
  #position = 0;
  /** How many equal effects have been requested. */
  readonly #requests = new Map<string, number>();
  /** Commands before this position have been reported by an earlier turn. */
  #reported = 0;
  #withdrawnNow: number[] = [];
  #withdrawnChildren: RequestedCommand[] = NO_COMMANDS;
  #outcome: Outcome | null = null;
  #drift: DriftReport | null = null;
  #refused: Refusal | null = null;
  #cancelled: CancelledError | null = null;
  /** Whether the code has not received its cancellation yet (REPLAY-8). */
  #isCancelPending = false;
  /** The run's timeout in milliseconds, if the run was cancelled because of it. */
  #timeout: number | null = null;
  #cancelling: AbortController | null = null;
  /** How many events were delivered. */
  #delivered = 0;
  /** The seq after that of the last delivery. */
  #next = 0;
  /** Lines are logged once `#next` is greater (REPLAY-9). */
  #logged = -1;
  /** The value of `#next` at the last line; `null` if there was none (REPLAY-9). */
  #loggedUpTo: number | null = null;
  /** An earlier execution has passed every place where `#next` is less. */
  #past = 0;

  /**
   * Makes an execution. Nothing runs before its first turn.
   *
   * @param body The code.
   * @param start The run's start.
   * @param options The drain, and where lines are logged.
   */
  constructor(body: Body, start: RunStart, options: ExecutionOptions) {
    this.#body = body;
    this.start = start;
    // ORIGIN-2: later generations have a history of their own.
    const { starts = [] } = readOrigin(start.generation ? null : start.origin) ?? {};
    this.#identities = starts.length === 0 ? null : new Identities(starts, start);
    this.startedAt = this.identity.startedAt;
    this.#now = this.startedAt;
    this.#options = options;
  }

  /** Signals that reached withdrawn waits and that no other wait has taken, oldest first. */
  get unconsumed(): readonly HistoryEvent[] {
    return this.#signals;
  }

  /**
   * Errors that no code could catch, such as in a listener, and the reasons of promises that the
   * code left rejected and unhandled. The runtime reports these after the turn: read this a
   * macrotask after the run's end.
   */
  get unhandled(): readonly unknown[] {
    return [...this.#thrown, ...this.#rejections.values()];
  }

  /**
   * Commands that the code has not awaited so far, in program order; once the run has returned, it
   * never will. Without withdrawn commands.
   */
  get unawaited(): readonly RequestedCommand[] {
    return [...this.#answeredUnawaited, ...this.#outstanding.values()]
      .filter(({ isAwaited }) => !isAwaited)
      .sort((a, b) => a.position - b.position);
  }

  /**
   * Up to where the lines of the code have been logged, for the `loggedUpTo` option of the next
   * execution: all lines before the delivery of the event with this seq; `null` if the code has
   * logged nothing.
   */
  get loggedUpTo(): number | null {
    return this.#loggedUpTo;
  }

  /** Commands that wait, in program order. */
  get outstanding(): readonly RequestedCommand[] {
    return [...this.#outstanding.values()];
  }

  /**
   * Finds an open effect for which the code does not ask at its position.
   *
   * @param effects The open effects of the run.
   * @param events The whole history, which turns have delivered.
   * @returns The first; `null`: the code asks for all of them.
   */
  openDrift(
    effects: readonly OpenEffect[],
    events: readonly HistoryEvent[],
  ): DriftReport | null {
    return openDrift(effects, events, {
      start: this.start,
      position: this.#position,
      hasEnded: this.#outcome !== null,
      at: (position) => this.#outstanding.get(position) ?? this.#withdrawn.get(position),
    });
  }

  /**
   * Takes a turn: delivers events and lets the code run until it waits. The first call starts the
   * code, and takes the whole history.
   *
   * @param events Events that follow those of the turn before, in journal order.
   * @param options Up to where an earlier execution has logged.
   * @returns The results of the turn.
   * @throws {ContextError} If another turn is under way.
   * @throws {CorruptValueError} If the input or an event's payload cannot be decoded.
   */
  async turn(events: readonly HistoryEvent[], options: TurnOptions = {}): Promise<Turn> {
    if (this.#busy) {
      throw new ContextError("Cannot take a turn: another one of this execution is under way");
    }
    this.#busy = true;
    const { drain } = this.#options;
    try {
      return drain.kind === "sync"
        ? await drain.enter(() =>
          duringTurn(this, () => this.#turnSync(drain.run, events, options))
        )
        : await this.#turnAsync(drain.run, events, options);
    } finally {
      this.#inTurn = false;
      this.#busy = false;
    }
  }

  #turnSync(drain: () => void, events: readonly HistoryEvent[], options: TurnOptions): Turn {
    const { pulse } = this.#options;
    pulse?.begins();
    try {
      this.#open(events, options);
      const settle = () => {
        do drain(); while (this.#settlesMore);
      };
      settle();
      for (let i = 0; i < events.length && !this.#stopped; i++) {
        pulse?.delivers();
        if (this.#deliver(events[i] as HistoryEvent)) settle();
      }
      return this.#close();
    } finally {
      pulse?.ends();
    }
  }

  async #turnAsync(
    drain: () => Promise<void>,
    events: readonly HistoryEvent[],
    options: TurnOptions,
  ): Promise<Turn> {
    this.#open(events, options);
    const settle = async () => {
      do await drain(); while (this.#settlesMore);
    };
    await settle();
    for (let i = 0; i < events.length && !this.#stopped; i++) {
      if (this.#deliver(events[i] as HistoryEvent)) await settle();
    }
    return this.#close();
  }

  /** Whether a scope or a condition settles now, so that more microtasks are due. */
  get #settlesMore(): boolean {
    return this.#settlesScopes || this.#settleCondition();
  }

  /** SCOPE-2: whether scopes settle now, so that more microtasks are due. */
  get #settlesScopes(): boolean {
    return this.#scopes !== null && this.#outcome === null && this.#scopes.settleIdle();
  }

  scoped<Output>(
    body: (scope: ScopeView) => Output | Promise<Output>,
    options: ScopeOptions,
  ): Promise<Output> {
    return (this.#scopes ??= new EffectScopes(this)).run(body, options);
  }

  get delivered(): number {
    return this.#delivered;
  }

  get position(): number {
    return this.#position;
  }

  get identity(): Identity {
    return this.#identities === null ? this.start : this.#identities.current;
  }

  childIdentity(position: number): Identity {
    return this.#identities === null ? this.start : this.#identities.ofChild(position);
  }

  get cancelSignal(): AbortSignal {
    this.#isCancelPending = false;
    if (this.#cancelling === null) {
      this.#cancelling = new AbortController();
      if (this.#cancelled !== null) this.#cancelling.abort(this.#cancelled);
    }
    return this.#cancelling.signal;
  }

  virtualNow(): number {
    this.#requireTurn();
    return this.#now;
  }

  get randomness(): SeededRandom {
    this.#requireTurn();
    return this.#randomness ??= new SeededRandom(this.identity.seed);
  }

  /** The run, in a message. */
  get #shown(): string {
    return `run ${quoteId(this.start.runId)}`;
  }

  enter(call: string): void {
    const current = scope.getStore();
    if (current !== this) {
      const why = current === undefined || current.kind === "outside"
        ? "it is outside of the run's code"
        : current.kind === "step"
        ? "a step or activity is running, whose effects are its own; return a value instead"
        : current.kind === "module"
        ? "it is in an async context that a module keeps"
        : "another run's code is running";
      throw new ContextError(`Cannot call ctx.${call} of ${this.#shown} here: ${why}`, { call });
    }
    if (this.#outcome !== null) {
      throw new ContextError(`Cannot call ctx.${call} of ${this.#shown}: the run has ended`, {
        call,
      });
    }
    if (this.#isLooking) {
      throw new ContextError(
        `Cannot call ctx.${call} of ${this.#shown} here: a condition of ctx.until or a query only ` +
          "looks at values",
        { call },
      );
    }
    if (!this.#inTurn) throw this.#refuseForeign(`, before ctx.${call}`);
  }

  until(
    condition: () => boolean,
    timeout: Request | null,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (signal !== undefined) checkAbortSignal(signal, "ctx.until");
    if (signal?.aborted === true) return rejected(signal.reason);
    const within = this.#scopes?.current ?? null;
    const refusal = within?.refuse() ?? null; // SCOPE-3
    if (refusal !== null) return rejected(refusal.reason);
    const isShielded = within?.isShielded === true;
    if (!isShielded && this.#takeCancellation()) return rejected(this.#cancelled);
    const holds = () => this.#lookAt(condition);
    try {
      if (holds()) return Promise.resolve(true);
    } catch (error) {
      return rejected(error);
    }
    const settled = new AbortController();
    const { promise, giveUp, fail } = this.#conditions.add(
      holds,
      { isHandlers: this.handlers.isRunning, isShielded },
      () => settled.abort(),
    );
    signal?.addEventListener("abort", () => fail(signal.reason), { signal: settled.signal });
    if (timeout !== null) {
      ignoreRejection(this.ask({ ...timeout, signal: settled.signal }).then(giveUp, fail));
    }
    return promise;
  }

  /** Looks at a condition, which can request nothing. */
  #lookAt(condition: () => boolean): boolean {
    this.#isLooking = true;
    try {
      const holds: unknown = scope.run(this, condition);
      if (holds instanceof Promise) {
        ignoreRejection(holds);
        refuse("the condition of ctx.until", condition, "a function that returns no promise");
      }
      return Boolean(holds);
    } finally {
      this.#isLooking = false;
    }
  }

  onQuery(name: string, answer: QueryFunction): () => void {
    return (this.#queries ??= new Queries()).add(name, answer);
  }

  /**
   * Asks the code, after a turn (QUERY-1).
   *
   * @param name The name of the query.
   * @param arg Its encoded argument.
   * @returns The answer.
   */
  query(name: string, arg: string): QueryAnswer {
    return (this.#queries ?? new Queries()).ask(name, arg, (body) => {
      this.#inTurn = this.#isLooking = true;
      try {
        return duringTurn(this, () => scope.run(this, body));
      } finally {
        this.#inTurn = this.#isLooking = false;
      }
    });
  }

  /** CONDITION-1 */
  #settleCondition(): boolean {
    return this.#outcome === null && !this.#stopped && this.#conditions.settleOne();
  }

  get isCancelled(): boolean {
    return this.#cancelled !== null;
  }

  fail(error: unknown): void {
    if (this.#outcome === null) this.#fail(error);
  }

  /**
   * REPLAY-8: whether what is requested now rejects with the cancellation. If a handler requests it,
   * the main function is still to learn of the cancellation.
   */
  #takeCancellation(): boolean {
    if (!this.#isCancelPending) return false;
    if (!this.handlers.isRunning) this.#isCancelPending = false;
    return true;
  }

  ask(request: Request): Promise<unknown> {
    const { signal } = request;
    if (signal !== undefined) checkAbortSignal(signal, "an effect");
    const position = this.#position++; // REPLAY-2
    const nth = this.#count(request);
    if (signal?.aborted === true) return rejected(signal.reason);
    const within = this.#scopes?.current ?? null;
    if (request.options.onCancel !== "finish") { // SCOPE-5
      const refusal = within?.refuse() ?? null;
      if (refusal !== null) return rejected(refusal.reason);
      const isBrief = request.kind === "call" && !isWaitingCall(request.options.call);
      const heeds = !isBrief && within?.isShielded !== true;
      if (heeds && this.#takeCancellation()) return rejected(this.#cancelled);
    }
    if (this.#signals.length > 0 && request.kind === "signal") {
      const index = this.#signals.findIndex((event) => takesEvent(request, event));
      const [event] = index < 0 ? [] : this.#signals.splice(index, 1);
      if (event !== undefined) {
        this.onAnswer(position, event);
        return Promise.resolve(received(request, event));
      }
    }
    const pending = new RequestedCommand(
      { position, nth },
      request,
      {
        stack: this.#options.trace === true ||
            request.kind === "activity" && !this.#succeeded.has(position) ||
            this.#options.wantsSite?.(request.kind, request.name) === true
          ? new CallStack()
          : null,
        onLook: this.#onLook,
        scope: request.options.handles === true ? null : within,
      },
    );
    pending.isHandlers = this.handlers.isRunning;
    const end = this.#childEnds.get(awaitedChildId(request) ?? "");
    if (end !== undefined) { // REPLAY-7
      this.onAnswer(position, end);
      SETTLE[end.kind as Delivery](pending, end);
      return pending.promise;
    }
    this.#outstanding.set(position, pending);
    if (signal !== undefined) pending.whenAborted(this.withdraw);
    return pending.promise;
  }

  /** How many equal effects were requested before, of those that the world tells apart (KEY-1). */
  #count({ kind, name, digest }: Request): number {
    if (kind === "sleep" || kind === "signal" || kind === "child") return 0;
    const what = digest === null ? `${kind} ${name}` : `${kind} ${name} ${digest}`;
    const nth = this.#requests.get(what) ?? 0;
    this.#requests.set(what, nth + 1);
    return nth;
  }

  /** An event answers the effect at a position. */
  protected onAnswer(_position: number, _event: HistoryEvent): void {}

  /** The code ends with an error. */
  protected onThrown(_error: unknown): void {}

  note(kind: NoteKind, payload: string, name = ""): void {
    // An error has the stack of the execution that threw it, which is not the same on a replay.
    const digest = kind === "ask.failed" ? null : digestText(payload);
    const past = this.#notes.next;
    if (past === undefined) {
      if (kind !== "ask.failed") this.#refuseTooLarge(payload, digest, NOTED[kind]);
      return this.#notes.add({ kind, name, digest, payload });
    }
    this.#repeatRefusal(past, digest);
    this.#notes.repeat();
    const isSame = past.kind === kind && past.name === name && past.digest === digest;
    if (isSame || this.#stopped) return;
    const site = this.#options.trace === true ? callSite() : null;
    const command = { kind, name, digest, site };
    this.#noteDrift(past, { command, reason: "the code sets something else of its run there" });
  }

  answer(ask: string, answer: Answer): void {
    if (!this.#inTurn) this.#refuseForeign();
    if (this.#outcome !== null) return;
    if ("error" in answer) this.note("ask.failed", outside(() => encodeError(answer.error)), ask);
    else this.note("ask.answered", encode(answer.value, "the answer"), ask);
  }

  admit(text: string, what: string): void {
    const past = this.#notes.next;
    if (past !== undefined) return this.#repeatRefusal(past, digestText(text));
    if (this.#next >= this.#past) this.#refuseTooLarge(text, null, what);
  }

  /** REPLAY-6: a new value is measured; */
  #refuseTooLarge(text: string, digest: string | null, what: string): void {
    const { payloadBytes = Infinity } = this.#options;
    const error = tooLarge(text, what, payloadBytes);
    if (error === null) return;
    const payload = encode(error.details);
    this.#notes.add({
      kind: "payload.refused",
      name: "",
      digest: digest ?? digestText(text),
      payload,
    });
    throw error;
  }

  /** for a known one, the history says whether it was refused. */
  #repeatRefusal({ kind, digest, payload }: HistoryEvent, found: string | null): void {
    if (kind !== "payload.refused" || digest !== found) return;
    this.#notes.repeat();
    const { what, bytes, limit } = read(payload) as { what: string; bytes: number; limit: number };
    throw new PayloadTooLargeError(what, bytes, limit);
  }

  patched(name: string): boolean {
    return this.#patches.decide(name, this.#next < this.#past);
  }

  log(level: LogLevel, message: string, properties: Record<string, unknown>): void {
    this.enter("log");
    const { log } = this.#options;
    if (log === undefined || !this.shouldLog()) return;
    outside(() => log({ level, message, properties }));
  }

  refuse(call: string, instead: string): Error {
    const site = callSite();
    const error = new NondeterministicCallError(call, instead, showSite(site));
    if (this.#refused === null) {
      this.#refused = { call, instead, position: this.#position, site, message: error.message };
      const { wake } = this.#options;
      if (!this.#inTurn && wake !== undefined) outside(wake);
    }
    return error;
  }

  shouldLog(): boolean {
    if (this.#next <= this.#logged) return false;
    this.#loggedUpTo = this.#next;
    return true;
  }

  noteThrown(error: unknown): void {
    this.#thrown.push(error);
  }

  /** REPLAY-5 */
  #refuseForeign(before = ""): Error {
    return this.refuse("a promise that is not ctx's", `ctx.run around it${before}`);
  }

  /**
   * REPLAY-5, where engine code may call too: refuses the run's code between turns, until it ends.
   */
  #requireTurn(): void {
    if (!this.#isForeign) return;
    throw this.#refuseForeign();
  }

  get #isForeign(): boolean {
    return !this.#inTurn && this.#started && this.#outcome === null && scope.getStore() === this;
  }

  /** REPLAY-5. Must not throw: the runtime reads the property in the middle of an `await`. */
  readonly #onLook = (): void => {
    if (this.#isForeign) this.#refuseForeign();
  };

  noteRejection(promise: Promise<unknown>, reason: unknown): void {
    this.#rejections.set(promise, reason);
  }

  noteHandled(promise: Promise<unknown>): void {
    this.#rejections.delete(promise);
  }

  get #stopped(): boolean {
    return this.#drift !== null || this.#refused !== null;
  }

  #open(events: readonly HistoryEvent[], { loggedUpTo }: TurnOptions): void {
    this.#inTurn = true;
    this.#lookAhead(events, loggedUpTo);
    if (this.#started) return;
    const input = decode(this.start.input);
    this.#started = true;
    scope.run(this, () => {
      const body = async () => await this.#body(this, input);
      inBackground(body().then(this.#complete, this.#fail), this.#fail);
    });
  }

  /** Collects what `patched` and `log` need to know about the coming events. */
  #lookAhead(events: readonly HistoryEvent[], loggedUpTo: number | null | undefined): void {
    let last = -1;
    this.#past = 0;
    for (const event of events) {
      if (event.kind === "patched") this.#patches.learn(event.name);
      if (!this.#started && event.kind === "activity.completed" && event.position !== null) {
        this.#succeeded.add(event.position);
      }
      if (!this.#started && isNote(event)) this.#notes.learn(event);
      if (!isDelivery(event)) continue;
      last = event.seq;
      if (!this.#started) this.#past = last + 1;
    }
    if (this.#started) return;
    this.#logged = loggedUpTo === undefined ? last : loggedUpTo ?? -1;
    this.#loggedUpTo = loggedUpTo ?? null;
  }

  /** REPLAY-3. Returns whether to drain microtasks. */
  #deliver(event: HistoryEvent): boolean {
    const { position } = event;
    if (event.kind === "cancel.requested") return this.#cancel(event);
    const answers = ANSWERS[event.kind];
    if (answers === null && event.kind !== "attempt.failed") return false;
    const pending = position === null ? undefined : this.#outstanding.get(position);
    if (pending === undefined) {
      this.#deliverUnmatched(event);
      return answers !== null;
    }
    const reason = mismatch(pending, event, answers ?? pending.kind);
    if (reason !== null) {
      this.#noteDrift(event, { command: pending, reason });
      return false;
    }
    if (answers === null) return false;
    this.#advance(event);
    // The run has ended: its history may hold events that were already on their way.
    if (this.#outcome !== null) return false;
    this.#settle(pending, event);
    this.#noteChildEnd(pending, event);
    return true; // REPLAY-1
  }

  /** Rejects all waiting effects; later effects work (REPLAY-8). */
  #cancel(event: HistoryEvent): boolean {
    this.#advance(event);
    const { reason = null, timeout = null, force = false } =
      (read(event.payload) ?? {}) as CancelRequest;
    const isFirst = this.#cancelled === null;
    if (this.#outcome !== null || !isFirst && !force) return false;
    const error = stackless(() => new CancelledError(reason));
    this.#cancelled = error;
    if (isFirst) this.#timeout = timeout;
    this.#isCancelPending = !isFirst || this.#cancelling === null;
    for (const pending of [...this.#outstanding.values()]) {
      if (pending.options.onCancel === "finish" || pending.scope?.isShielded === true) continue;
      if (isFirst && outlivesCancel(pending)) pending.cancelled = error;
      else this.withdraw(pending, error);
    }
    if (this.#conditions.failAll(error)) this.#isCancelPending = false;
    scope.run(this, () => {
      this.#cancelling?.abort(error);
      this.#scopes?.tell(error);
    });
    return true;
  }

  /** Handles an event at whose position no command is outstanding. */
  #deliverUnmatched(event: HistoryEvent): void {
    const withdrawn = event.position === null ? undefined : this.#withdrawn.get(event.position);
    const answers = ANSWERS[event.kind];
    if (withdrawn === undefined) {
      const known = event.position !== null && event.position < this.#position;
      if (answers === null && known) return;
      const reason = this.#outcome !== null
        ? "the code has ended without asking for it"
        : known
        ? "the command there has been answered already"
        : `the code has asked for ${this.#position} effects by then, and for none there`;
      return this.#noteDrift(event, { command: null, reason });
    }
    const reason = mismatch(withdrawn, event, answers ?? withdrawn.kind);
    if (reason !== null) return this.#noteDrift(event, { command: withdrawn, reason });
    if (answers === null) return;
    this.#advance(event);
    this.#noteChildEnd(withdrawn, event);
    if (bringsSignal(event)) this.#signals.push(event);
  }

  #settle(pending: RequestedCommand, event: HistoryEvent): void {
    this.#outstanding.delete(pending.position);
    if (!pending.isAwaited) this.#answeredUnawaited.push(pending);
    if (pending.cancelled !== null && event.kind.endsWith(".failed") && !pending.isHandlers) {
      this.#isCancelPending = false;
    }
    this.onAnswer(pending.position, event);
    SETTLE[event.kind as Delivery](pending, event);
  }

  /** REPLAY-7. */
  #noteChildEnd({ options: { child } }: RequestedCommand, event: HistoryEvent): void {
    if (child === undefined || ANSWERS[event.kind] !== "child") return;
    this.#childEnds.set(child.id, event);
    if (this.#outcome !== null) return;
    for (const other of [...this.#outstanding.values()]) {
      if (awaitedChildId(other) === child.id) this.#settle(other, event);
    }
  }

  #advance(event: HistoryEvent): void {
    this.#next = event.seq + 1;
    this.#delivered++;
    if (event.at > this.#now) this.#now = event.at;
    if (this.#identities?.advance(this.#next) !== true) return;
    // ORIGIN-1: what the code computes from here on, it computes as the run that recorded the rest.
    this.#randomness = null;
    this.#now = Math.max(this.#now, this.identity.startedAt);
  }

  #noteDrift(event: HistoryEvent, mismatch: Mismatch): void {
    this.#drift = reportDrift(this.start, event, mismatch);
  }

  /** Withdraws an effect: its promise rejects, and what answers it later is ignored. */
  readonly withdraw = (pending: RequestedCommand, reason: unknown): void => {
    if (!this.#outstanding.delete(pending.position)) return;
    this.#withdrawn.set(pending.position, pending);
    if (pending.position < this.#reported) this.#withdrawnNow.push(pending.position);
    if (pending.options.child?.workflow !== undefined) {
      this.#withdrawnChildren = [...this.#withdrawnChildren, pending];
    }
    if (reason === this.#cancelled && !pending.isHandlers) this.#isCancelPending = false;
    pending.reject(reason);
  };

  readonly #complete = (value: unknown): void => {
    if (!this.#inTurn) this.#refuseForeign();
    if (ContinueAsNew.is(value)) {
      if (this.#timeout !== null) return this.#fail(this.#cancelled);
      const { input, version, versioning } = value;
      this.#outcome = { kind: "continued", input, version, versioning };
      return;
    }
    try {
      const { payloadBytes = Infinity } = this.#options;
      const result = checkPayload(encode(value, "result"), "the result of the run", payloadBytes);
      this.#outcome = { kind: "completed", result };
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #fail = (error: unknown): void => {
    if (!this.#inTurn) this.#refuseForeign();
    this.onThrown(error);
    const isCancelled = this.#cancelled !== null && isContinuumError(error, "CANCELLED");
    if (isCancelled && this.#timeout !== null) {
      error = stackless(() => runTimeout(this.start.runId, this.#timeout!));
    }
    const isForged = isTimeoutOfRun(error, this.start.runId) && this.#timeout === null;
    // Callers that wait for the run rely on this code: only the engine may set it.
    if (isForged) error = new Error(`The code threw: ${messageOf(error)}`, { cause: error });
    const kind = isCancelled && this.#timeout === null ? "cancelled" : "failed";
    this.#outcome = { kind, error: outside(() => encodeError(error)) };
  };

  #close(): Turn {
    const { next: missing } = this.#notes;
    if (missing !== undefined && !this.#stopped) {
      this.#noteDrift(missing, { command: null, reason: "the code does not set it any more" });
    }
    let issued: RequestedCommand[] = NO_COMMANDS;
    for (const [position, pending] of this.#outstanding) {
      if (position < this.#reported) continue;
      if (issued === NO_COMMANDS) issued = [];
      issued.push(pending);
    }
    this.#reported = this.#position;
    const withdrawn = this.#withdrawnNow;
    if (withdrawn.length > 0) this.#withdrawnNow = [];
    let withdrawnChildren = this.#withdrawnChildren;
    if (withdrawnChildren.length > 0) {
      withdrawnChildren = withdrawnChildren.filter(({ options }) =>
        !this.#childEnds.has(options.child!.id)
      );
      this.#withdrawnChildren = NO_COMMANDS;
    }
    return {
      issued,
      withdrawn,
      withdrawnChildren,
      patches: this.#patches.takeFresh(),
      notes: this.#notes.takeFresh(),
      outcome: this.#outcome,
      drift: this.#drift,
      refused: this.#refused,
      idle: this.#outcome === null && this.#outstanding.size === 0 && !this.#stopped,
    };
  }
}

const NO_COMMANDS: RequestedCommand[] = [];

/** A promise whose rejection counts as handled. */
function rejected(reason: unknown): Promise<never> {
  const promise = Promise.reject(reason);
  ignoreRejection(promise);
  return promise;
}

const NOTED: Readonly<Record<NoteKind, string>> = {
  "attributes.set": "attributes of the run",
  "status.set": "the status of the run",
  "ask.answered": "the answer to an ask",
  "ask.failed": "the failure of an ask",
  "value.published": "a published value",
};
