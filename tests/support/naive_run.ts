/**
 * A second way to replay a history: event by event, with a macrotask after each, and without the
 * machine. It only says whether code and history agree, and it can't replay cancellations.
 *
 * @module
 */

import { SeededRandom } from "../../src/base/random.ts";
import { encode } from "../../src/base/values.ts";
import { digestText } from "../../src/base/digest.ts";
import { EffectScopes, type ScopeOptions, type ScopeView } from "../../src/replay/effect_scopes.ts";
import { type Answer, bringsSignal } from "../../src/replay/asks.ts";
import type { Effects } from "../../src/replay/effects.ts";
import { Conditions } from "../../src/replay/conditions.ts";
import { Handlers } from "../../src/replay/handlers.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import { isNote, type NoteKind } from "../../src/replay/notes.ts";
import type { OpenEffect } from "../../src/replay/open_effects.ts";
import { type Request, RequestedCommand } from "../../src/replay/requested_command.ts";
import {
  ANSWERS,
  awaitedChildId,
  type Delivery,
  received,
  SETTLE,
  takesEvent,
} from "../../src/replay/settle.ts";
import type { RunStart } from "../../src/replay/turn.ts";

/** One effect that the code has asked for. */
interface Asked {
  readonly command: RequestedCommand;
  state: "waiting" | "answered" | "withdrawn";
}

/**
 * Replays a history.
 *
 * @param body The code.
 * @param start The run's start.
 * @param history Its history.
 * @param open What else is open in it.
 * @returns Whether the code asks for what each event answers, and for what is open, and for nothing
 * else in its place.
 */
export async function agrees(
  body: (effects: Effects) => Promise<unknown>,
  start: RunStart,
  history: readonly HistoryEvent[],
  open: readonly OpenEffect[] = [],
): Promise<boolean> {
  const ignore = (event: PromiseRejectionEvent) => event.preventDefault();
  globalThis.addEventListener("unhandledrejection", ignore);
  try {
    const run = new NaiveRun(start, history);
    body(run).then(run.end, run.end);
    await run.rest();
    for (const event of history) {
      if (!run.deliver(event)) return false;
      await run.rest();
    }
    return run.hasMadeAllNotes() && open.every((effect) => run.asks(effect));
  } finally {
    globalThis.removeEventListener("unhandledrejection", ignore);
  }
}

/** Everything that is ready goes first; rejections are reported in the first of them. */
async function macrotask(): Promise<void> {
  for (let n = 0; n < 2; n++) await new Promise((resolve) => setImmediate(resolve));
}

class NaiveRun implements Effects {
  readonly start: RunStart;
  readonly identity: RunStart;
  readonly childIdentity = (): RunStart => this.start;
  readonly randomness: SeededRandom;
  readonly cancelSignal = new AbortController().signal;
  readonly #scopes = new EffectScopes(this);
  readonly isCancelled = false;
  readonly handlers: Handlers = new Handlers();
  readonly #conditions = new Conditions();
  readonly #asked: (Asked | null)[] = [];
  readonly #patched: ReadonlySet<string>;
  readonly #answers = new Map<string, boolean>();
  readonly #notes: string[] = [];
  readonly #wantedNotes: readonly string[];
  /** Signals that came for waits which had been given up. */
  readonly #mail: HistoryEvent[] = [];
  readonly #childEnds = new Map<string, HistoryEvent>();
  /** How many answers are still to come. */
  #coming: number;
  #now: number;
  #hasEnded = false;

  constructor(start: RunStart, history: readonly HistoryEvent[]) {
    this.start = start;
    this.identity = start;
    this.randomness = new SeededRandom(start.seed);
    this.#now = start.startedAt;
    this.#patched = new Set(
      history.filter(({ kind }) => kind === "patched").map(({ name }) => name),
    );
    this.#wantedNotes = history.filter(isNote).map(({ kind, name, digest }) =>
      `${kind} ${name} ${digest}`
    );
    this.#coming = history.filter(({ kind }) => ANSWERS[kind] !== null).length;
  }

  get position(): number {
    return this.#asked.length;
  }

  readonly delivered = 0;

  virtualNow(): number {
    return this.#now;
  }

  enter(): void {}
  onQuery = (): () => void => () => {};
  log(): void {}
  admit(): void {}

  until(
    condition: () => boolean,
    timeout: Request | null,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (signal?.aborted === true) return handled(Promise.reject(signal.reason));
    const refusal = this.#scopes.current?.refuse() ?? null;
    if (refusal !== null) return handled(Promise.reject(refusal.reason));
    if (condition()) return Promise.resolve(true);
    const settled = new AbortController();
    const { promise, giveUp, fail } = this.#conditions.add(
      condition,
      { isHandlers: false, isShielded: false },
      () => settled.abort(),
    );
    signal?.addEventListener("abort", () => fail(signal.reason));
    if (timeout !== null) this.ask({ ...timeout, signal: settled.signal }).then(giveUp, fail);
    return promise;
  }

  fail(): void {
    this.end();
  }

  readonly end = (): void => {
    this.#hasEnded = true;
  };

  patched(name: string): boolean {
    const answer = this.#answers.get(name) ?? (this.#patched.has(name) || this.#coming === 0);
    this.#answers.set(name, answer);
    return answer;
  }

  note(kind: NoteKind, payload: string, name = ""): void {
    this.#notes.push(`${kind} ${name} ${digestText(payload)}`);
  }

  answer(ask: string, answer: Answer): void {
    if (this.#hasEnded) return;
    if ("error" in answer) this.#notes.push(`ask.failed ${ask} null`);
    else this.note("ask.answered", encode(answer.value), ask);
  }

  hasMadeAllNotes(): boolean {
    return this.#wantedNotes.every((note, index) => note === this.#notes[index]);
  }

  ask(request: Request): Promise<unknown> {
    const { signal } = request;
    const position = this.#asked.length;
    this.#asked.push(null);
    if (signal?.aborted === true) return handled(Promise.reject(signal.reason));
    const scope = this.#scopes.current;
    const refusal = request.options.onCancel === "finish" ? null : scope?.refuse() ?? null;
    if (refusal !== null) return handled(Promise.reject(refusal.reason));
    const mail = this.#mail.findIndex((event) => takesEvent(request, event));
    if (mail >= 0) return Promise.resolve(received(request, this.#mail.splice(mail, 1)[0]!));
    const command = new RequestedCommand({ position, nth: 0 }, request, {
      stack: null,
      onLook: () => {},
      scope: request.options.handles === true ? null : scope,
    });
    const asked: Asked = { command, state: "waiting" };
    this.#asked[position] = asked;
    const end = this.#childEnds.get(awaitedChildId(request) ?? "");
    if (end !== undefined) this.#answer(asked, end);
    else if (signal !== undefined) command.whenAborted(this.withdraw);
    return command.promise;
  }

  readonly withdraw = (command: RequestedCommand, reason: unknown): void => {
    const asked = this.#asked[command.position];
    if (asked?.state !== "waiting") return;
    asked.state = "withdrawn";
    command.reject(reason);
  };

  get outstanding(): RequestedCommand[] {
    return this.#asked.flatMap((asked) => asked?.state === "waiting" ? asked.command : []);
  }

  scoped<Output>(
    body: (scope: ScopeView) => Output | Promise<Output>,
    options: ScopeOptions,
  ): Promise<Output> {
    return this.#scopes.run(body, options);
  }

  /** Lets the code make all the progress that it can. */
  async rest(): Promise<void> {
    do await macrotask(); while (
      !this.#hasEnded && (this.#scopes.settleIdle() || this.#conditions.settleOne())
    );
  }

  /** Returns whether the code has asked for what the event is about. */
  deliver(event: HistoryEvent): boolean {
    const { kind, position } = event;
    const answers = ANSWERS[kind];
    if (answers === null && kind !== "attempt.failed") return true;
    const asked = this.#asked[position!];
    if (kind === "attempt.failed") {
      return position! < this.#asked.length &&
        (asked?.state !== "waiting" && asked?.state !== "withdrawn" || isOf(asked, event));
    }
    if (asked?.state !== "waiting" && asked?.state !== "withdrawn") return false;
    if (asked.command.kind !== answers || !isOf(asked, event)) return false;
    this.#coming--;
    this.#now = Math.max(this.#now, event.at);
    const { options: { child } } = asked.command;
    if (child !== undefined && answers === "child") this.#childEnds.set(child.id, event);
    if (asked.state === "withdrawn") {
      if (bringsSignal(event)) this.#mail.push(event);
    } else if (!this.#hasEnded) this.#answer(asked, event);
    for (const other of this.#asked) {
      const isToldToo = other?.state === "waiting" && !this.#hasEnded && answers === "child" &&
        child !== undefined && awaitedChildId(other.command) === child.id;
      if (isToldToo) this.#answer(other, event);
    }
    return true;
  }

  /** Whether the code would take what comes of an open effect for that effect. */
  asks({ position, kind, name, digest }: OpenEffect): boolean {
    const asked = this.#asked[position];
    if (asked?.state !== "waiting" && asked?.state !== "withdrawn") return false;
    const { command } = asked;
    const isSame = digest === null || command.digest === digest;
    const starts = kind === "child" && command.kind === "call" && command.name === `start ${name}`;
    return isSame && (starts || command.kind === kind && command.name === name);
  }

  #answer(asked: Asked, event: HistoryEvent): void {
    asked.state = "answered";
    SETTLE[event.kind as Delivery](asked.command, event);
  }
}

function isOf({ command }: Asked, event: HistoryEvent): boolean {
  const isNamed = bringsSignal(event) ? takesEvent(command, event) : command.name === event.name;
  return isNamed && command.digest === event.digest;
}

function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
