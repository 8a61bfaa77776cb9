/**
 * The replay machine: `(workflow, input, history) -> commands`. It has no I/O, clock or randomness
 * of its own; its executor decides when effects run and what is journaled.
 *
 * - REPLAY-1: deliveries are taken in journal order, one at a time, and microtasks are drained after each
 *   with no exception, live as on replay. So the code sees one order, however events are batched.
 * - REPLAY-2: a command's position is its place in program order, and counts every effect asked for, also
 *   those that were answered at once or aborted before they were asked for.
 * - REPLAY-3: a delivery settles the outstanding command of its position if kind, name and digest agree;
 *   it is ignored if that command was withdrawn; anything else is drift.
 * - REPLAY-4: what settles a promise comes from the journal's text, never from a live object.
 * - REPLAY-5: the code makes progress within turns only: what it does between them, a promise that is not
 *   the engine's has moved. It is refused wherever it shows: an effect, a look at the promise of
 *   one, the run's time or randomness, a global that is refused anyway, the end of the function.
 * - REPLAY-6: a value's size counts once: what the history has was accepted, and what it says was refused
 *   is refused again, whatever the limit is now.
 * - REPLAY-7: a child ends once: the event that says so answers all that wait for it by its handle, and
 *   all that ask for it later.
 * - REPLAY-8: a cancellation is told once: by what it made reject; where all that waited was let finish,
 *   and succeeded, by the next effect; never to code that looks at `cancelSignal`, nor to an undo.
 * - REPLAY-9: a line is logged once: where the last one was logged is known after each turn, goes with
 *   the next write, and comes back with the history. A line may be said twice where its node was
 *   lost after the turn and before that write; none is left out. A run that logs nothing writes
 *   nothing of it.
 *
 * @module
 */

import { ignoreRejection, inBackground } from "../base/background.ts";
import {
  CancelledError,
  ContextError,
  InvalidArgumentError,
  isContinuumError,
  NondeterministicCallError,
  PayloadTooLargeError,
  RunTimeoutError,
} from "../base/errors.ts";
import { digestText } from "../base/digest.ts";
import { checkPayload, tooLarge } from "../base/payload.ts";
import { SeededRandom } from "../base/random.ts";
import { stackless } from "../base/stackless.ts";
import { messageOf } from "../base/text.ts";
import { decode, encode } from "../base/values.ts";
import { encodeError } from "../base/values_failure.ts";
import { callSite, CallStack, showSite } from "./call_stack.ts";
import { ContinueAsNew } from "./continue_as_new.ts";
import { type Mismatch, reportDrift } from "./drift.ts";
import type { Body, Effects, ExecutionOptions, TurnOptions } from "./effects.ts";
import type { CancelRequest, HistoryEvent } from "./history.ts";
import { isNote, type NoteKind, Notes } from "./notes.ts";
import { Patches } from "./patches.ts";
import { type Request, RequestedCommand } from "./requested_command.ts";
import { duringTurn, outside, scope, type WorkflowScope } from "./scope.ts";
import {
  ANSWERS,
  asksForEnd,
  type Delivery,
  isDelivery,
  mismatch,
  outlivesCancel,
  read,
  SETTLE,
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
  /** Commands whose answers came before anybody had awaited them. */
  readonly #unheeded: RequestedCommand[] = [];
  readonly #signals: HistoryEvent[] = [];
  /** Positions of activities that the history says succeeded: no error will want to know their line. */
  readonly #succeeded = new Set<number>();
  /** How children have ended, by id (REPLAY-7). */
  readonly #childEnds = new Map<string, HistoryEvent>();
  readonly #patches = new Patches();
  readonly #notes = new Notes();
  readonly #rejections = new Map<Promise<unknown>, unknown>();
  /** What its code threw where nobody could catch it. */
  readonly #thrown: unknown[] = [];
  #randomness: SeededRandom | null = null;
  #started = false;
  #busy = false;
  #inTurn = false;
  #now: number;
  #position = 0;
  /** Commands before this position have been reported by an earlier turn. */
  #reported = 0;
  #withdrawnNow: number[] = [];
  #childrenGivenUp: RequestedCommand[] = NO_COMMANDS;
  #outcome: Outcome | null = null;
  #drift: DriftReport | null = null;
  #refused: Refusal | null = null;
  #cancelled: CancelledError | null = null;
  /** Whether nothing has told the code of its cancellation yet (REPLAY-8). */
  #isUntold = false;
  /** Milliseconds that the run might take, if that is why it was cancelled. */
  #timeout: number | null = null;
  #cancelling: AbortController | null = null;
  /** The seq after that of the last delivery. */
  #next = 0;
  /** Lines are logged once `#next` is greater (REPLAY-9). */
  #logged = -1;
  /** What `#next` was at the last line; `null`: there was none (REPLAY-9). */
  #told: number | null = null;
  /** An earlier execution went past every place where `#next` is less. */
  #past = 0;

  /**
   * Makes an execution. Nothing runs before its first turn.
   *
   * @param body The code.
   * @param start The run's start.
   * @param options The drain, and where lines go.
   */
  constructor(body: Body, start: RunStart, options: ExecutionOptions) {
    this.#body = body;
    this.start = start;
    this.startedAt = start.startedAt;
    this.#now = start.startedAt;
    this.#options = options;
  }

  /** Signals that reached withdrawn waits and that no other wait has taken, oldest first. */
  get unconsumed(): readonly HistoryEvent[] {
    return this.#signals;
  }

  /**
   * What the code has thrown so far where nobody could catch it, such as in a listener, and reasons
   * of promises that it has left rejected and unhandled. The runtime tells of these after the turn:
   * look a macrotask after the run's end.
   */
  get unhandled(): readonly unknown[] {
    return [...this.#thrown, ...this.#rejections.values()];
  }

  /**
   * Commands that nobody has awaited so far, in program order; of a run that has returned, nobody
   * ever will. What was withdrawn is none of them.
   */
  get unawaited(): readonly RequestedCommand[] {
    return [...this.#unheeded, ...this.#outstanding.values()]
      .filter(({ isAwaited }) => !isAwaited)
      .sort((a, b) => a.position - b.position);
  }

  /**
   * How far the lines of the code have been logged, for the `told` of the execution after this one:
   * all that the code says before it is given an event of a seq from here on; `null`: it has said
   * nothing.
   */
  get told(): number | null {
    return this.#told;
  }

  /** Commands that wait, in program order. */
  get outstanding(): readonly RequestedCommand[] {
    return [...this.#outstanding.values()];
  }

  /**
   * Takes a turn: delivers events and lets the code go on until it waits. The first call starts the
   * code, and takes the whole history at once.
   *
   * @param events Events that follow those of the turn before, in journal order.
   * @param options What an earlier execution has logged.
   * @returns What came to light.
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
          duringTurn(this, () => this.#turnAtOnce(drain.run, events, options))
        )
        : await this.#turnByAndBy(drain.run, events, options);
    } finally {
      this.#inTurn = false;
      this.#busy = false;
    }
  }

  #turnAtOnce(drain: () => void, events: readonly HistoryEvent[], options: TurnOptions): Turn {
    const { pulse } = this.#options;
    pulse?.begins();
    try {
      this.#open(events, options);
      drain();
      for (let i = 0; i < events.length && !this.#stopped; i++) {
        pulse?.delivers();
        if (this.#deliver(events[i] as HistoryEvent)) drain();
      }
      return this.#close();
    } finally {
      pulse?.ends();
    }
  }

  async #turnByAndBy(
    drain: () => Promise<void>,
    events: readonly HistoryEvent[],
    options: TurnOptions,
  ): Promise<Turn> {
    this.#open(events, options);
    await drain();
    for (let i = 0; i < events.length && !this.#stopped; i++) {
      if (this.#deliver(events[i] as HistoryEvent)) await drain();
    }
    return this.#close();
  }

  get position(): number {
    return this.#position;
  }

  get cancelSignal(): AbortSignal {
    this.#isUntold = false;
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
    return this.#randomness ??= new SeededRandom(this.start.seed);
  }

  enter(call: string): void {
    const current = scope.getStore();
    const run = `run ${JSON.stringify(this.start.runId)}`;
    if (current !== this) {
      const why = current === undefined || current.kind === "outside"
        ? "it is outside of the run's code"
        : current.kind === "step"
        ? "a step or activity is running, whose effects are its own; return a value instead"
        : current.kind === "module"
        ? "it is in an async context that a module keeps"
        : "another run's code is running";
      throw new ContextError(`Cannot call ctx.${call} of ${run} here: ${why}`, { call });
    }
    if (this.#outcome !== null) {
      throw new ContextError(`Cannot call ctx.${call} of ${run}: the run has ended`, { call });
    }
    if (!this.#inTurn) throw this.#refuseForeign(`, before ctx.${call}`);
  }

  ask(request: Request): Promise<unknown> {
    const { signal } = request;
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new InvalidArgumentError(
        `Cannot use option signal of an effect: found ${messageOf(signal)}, wanted an AbortSignal`,
        { option: "signal" },
      );
    }
    const position = this.#position++; // REPLAY-2
    if (signal?.aborted === true) return rejected(signal.reason);
    if (this.#isUntold && request.kind !== "call" && request.options.onCancel !== "finish") { // REPLAY-8
      this.#isUntold = false;
      return rejected(this.#cancelled);
    }
    if (this.#signals.length > 0 && request.kind === "signal") {
      const index = this.#signals.findIndex((event) => event.name === request.name);
      const [event] = index < 0 ? [] : this.#signals.splice(index, 1);
      if (event !== undefined) return Promise.resolve(read(event.payload));
    }
    const pending = new RequestedCommand(
      position,
      request,
      {
        stack: this.#options.trace === true ||
            request.kind === "activity" && !this.#succeeded.has(position)
          ? new CallStack()
          : null,
        onLook: this.#onLook,
      },
    );
    const end = this.#childEnds.get(asksForEnd(request) ?? "");
    if (end !== undefined) { // REPLAY-7
      SETTLE[end.kind as Delivery](pending, end.payload);
      return pending.promise;
    }
    this.#outstanding.set(position, pending);
    if (signal !== undefined) pending.whenAborted(this.#withdraw);
    return pending.promise;
  }

  note(kind: NoteKind, payload: string): void {
    const digest = digestText(payload);
    const past = this.#notes.next;
    if (past === undefined) {
      this.#refuseTooLarge(payload, digest, NOTED[kind]);
      return this.#notes.add({ kind, digest, payload });
    }
    this.#repeatRefusal(past, digest);
    this.#notes.repeat();
    if (past.kind === kind && past.digest === digest || this.#stopped) return;
    const site = this.#options.trace === true ? callSite() : null;
    const command = { kind, name: "", digest, site };
    this.#noteDrift(past, { command, reason: "the code says something else of its run there" });
  }

  admit(text: string, what: string): void {
    const past = this.#notes.next;
    if (past !== undefined) return this.#repeatRefusal(past, digestText(text));
    if (this.#next >= this.#past) this.#refuseTooLarge(text, null, what);
  }

  /** REPLAY-6: what is new is measured; */
  #refuseTooLarge(text: string, digest: string | null, what: string): void {
    const { payloadBytes = Infinity } = this.#options;
    const error = tooLarge(text, what, payloadBytes);
    if (error === null) return;
    const payload = encode(error.details);
    this.#notes.add({ kind: "payload.refused", digest: digest ?? digestText(text), payload });
    throw error;
  }

  /** of what is known, the history says whether it was refused. */
  #repeatRefusal({ kind, digest, payload }: HistoryEvent, found: string): void {
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
    if (log === undefined || !this.speaks()) return;
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

  speaks(): boolean {
    if (this.#next <= this.#logged) return false;
    this.#told = this.#next;
    return true;
  }

  noteThrown(error: unknown): void {
    this.#thrown.push(error);
  }

  /** REPLAY-5 */
  #refuseForeign(before = ""): Error {
    return this.refuse("a promise that is not ctx's", `ctx.run around it${before}`);
  }

  /** REPLAY-5, of what also the engine asks for: only the run's code is meant, and while it goes on. */
  #requireTurn(): void {
    if (!this.#isForeign) return;
    throw this.#refuseForeign();
  }

  get #isForeign(): boolean {
    return !this.#inTurn && this.#started && this.#outcome === null && scope.getStore() === this;
  }

  /** REPLAY-5. It may not throw: the runtime asks in the midst of an `await`. */
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

  #open(events: readonly HistoryEvent[], { told }: TurnOptions): void {
    this.#inTurn = true;
    this.#lookAhead(events, told);
    if (this.#started) return;
    const input = decode(this.start.input);
    this.#started = true;
    scope.run(this, () => {
      const body = async () => await this.#body(this, input);
      inBackground(body().then(this.#complete, this.#fail), this.#fail);
    });
  }

  /** Learns what `patched` and `log` have to know of the events to come. */
  #lookAhead(events: readonly HistoryEvent[], told: number | null | undefined): void {
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
    this.#logged = told === undefined ? last : told ?? -1;
    this.#told = told ?? null;
  }

  /** REPLAY-3. Answers whether microtasks are to be drained. */
  #deliver(event: HistoryEvent): boolean {
    const { position } = event;
    if (event.kind === "cancel.requested") return this.#cancel(event);
    const answers = ANSWERS[event.kind];
    if (answers === null && event.kind !== "attempt.failed") return false;
    const pending = position === null ? undefined : this.#outstanding.get(position);
    if (pending === undefined) {
      this.#deliverLate(event);
      return answers !== null;
    }
    const reason = mismatch(pending, event, answers ?? pending.kind);
    if (reason !== null) {
      this.#noteDrift(event, { command: pending, reason });
      return false;
    }
    if (answers === null) return false;
    this.#advance(event);
    // The run has ended: its history holds what was on its way already.
    if (this.#outcome !== null) return false;
    this.#settle(pending, event);
    this.#noteChildEnd(pending, event);
    return true; // REPLAY-1
  }

  /** Once in a run's life, all that waits is told; what is asked for afterwards works (REPLAY-8). */
  #cancel(event: HistoryEvent): boolean {
    this.#advance(event);
    if (this.#outcome !== null || this.#cancelled !== null) return false;
    const { reason = null, timeout = null } = (read(event.payload) ?? {}) as CancelRequest;
    this.#timeout = timeout;
    const error = stackless(() => new CancelledError(reason));
    this.#cancelled = error;
    this.#isUntold = this.#cancelling === null;
    for (const pending of [...this.#outstanding.values()]) {
      if (pending.options.onCancel === "finish") continue;
      if (outlivesCancel(pending)) pending.cancelled = error;
      else this.#withdraw(pending, error);
    }
    scope.run(this, () => this.#cancelling?.abort(error));
    return true;
  }

  /** Nothing is outstanding at the event's position. */
  #deliverLate(event: HistoryEvent): void {
    const withdrawn = event.position === null ? undefined : this.#withdrawn.get(event.position);
    const answers = ANSWERS[event.kind];
    if (withdrawn === undefined) {
      const known = event.position !== null && event.position < this.#position;
      if (answers === null && known) return;
      const reason = this.#outcome !== null
        ? "the code has ended without asking for it"
        : known
        ? "nothing waits there any more"
        : `the code has asked for ${this.#position} effects by then, and for none there`;
      return this.#noteDrift(event, { command: null, reason });
    }
    const reason = mismatch(withdrawn, event, answers ?? withdrawn.kind);
    if (reason !== null) return this.#noteDrift(event, { command: withdrawn, reason });
    if (answers === null) return;
    this.#advance(event);
    this.#noteChildEnd(withdrawn, event);
    if (event.kind === "signal.received") this.#signals.push(event);
  }

  #settle(pending: RequestedCommand, event: HistoryEvent): void {
    this.#outstanding.delete(pending.position);
    if (!pending.isAwaited) this.#unheeded.push(pending);
    if (pending.cancelled !== null && event.kind.endsWith(".failed")) this.#isUntold = false;
    SETTLE[event.kind as Delivery](pending, event.payload);
  }

  /** REPLAY-7. */
  #noteChildEnd({ options: { child } }: RequestedCommand, event: HistoryEvent): void {
    if (child === undefined || ANSWERS[event.kind] !== "child") return;
    this.#childEnds.set(child.id, event);
    if (this.#outcome !== null) return;
    for (const other of [...this.#outstanding.values()]) {
      if (asksForEnd(other) === child.id) this.#settle(other, event);
    }
  }

  #advance(event: HistoryEvent): void {
    this.#next = event.seq + 1;
    if (event.at > this.#now) this.#now = event.at;
  }

  #noteDrift(event: HistoryEvent, mismatch: Mismatch): void {
    this.#drift = reportDrift(this.start, event, mismatch);
  }

  readonly #withdraw = (pending: RequestedCommand, reason: unknown): void => {
    if (!this.#outstanding.delete(pending.position)) return;
    this.#withdrawn.set(pending.position, pending);
    if (pending.position < this.#reported) this.#withdrawnNow.push(pending.position);
    if (pending.options.child?.workflow !== undefined) {
      this.#childrenGivenUp = [...this.#childrenGivenUp, pending];
    }
    if (reason === this.#cancelled) this.#isUntold = false;
    pending.reject(reason);
  };

  readonly #complete = (value: unknown): void => {
    if (!this.#inTurn) this.#refuseForeign();
    if (ContinueAsNew.is(value)) {
      if (this.#timeout !== null) return this.#fail(this.#cancelled);
      this.#outcome = { kind: "continued", input: value.input, version: value.version };
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
    const isCancelled = this.#cancelled !== null && isContinuumError(error, "CANCELLED");
    if (isCancelled && this.#timeout !== null) {
      error = stackless(() => new RunTimeoutError(this.start.runId, this.#timeout!));
    }
    const isForged = isContinuumError(error, "RUN_TIMEOUT") &&
      error.details.runId === this.start.runId && this.#timeout === null;
    // Who waits for the run knows by the code that the engine has ended it.
    if (isForged) error = new Error(`The code threw: ${messageOf(error)}`, { cause: error });
    const kind = isCancelled && this.#timeout === null ? "cancelled" : "failed";
    this.#outcome = { kind, error: outside(() => encodeError(error)) };
  };

  #close(): Turn {
    const { next: missing } = this.#notes;
    if (missing !== undefined && !this.#stopped) {
      this.#noteDrift(missing, { command: null, reason: "the code does not say it any more" });
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
    let childrenGivenUp = this.#childrenGivenUp;
    if (childrenGivenUp.length > 0) {
      childrenGivenUp = childrenGivenUp.filter(({ options }) =>
        !this.#childEnds.has(options.child!.id)
      );
      this.#childrenGivenUp = NO_COMMANDS;
    }
    return {
      issued,
      withdrawn,
      childrenGivenUp,
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

/** A promise whose rejection nobody has to handle. */
function rejected(reason: unknown): Promise<never> {
  const promise = Promise.reject(reason);
  ignoreRejection(promise);
  return promise;
}

const NOTED: Readonly<Record<NoteKind, string>> = {
  "attributes.set": "attributes of the run",
  "status.set": "the status of the run",
};
