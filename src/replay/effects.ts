/**
 * The machine's two interfaces: for its executor, and for the code of a run.
 *
 * @module
 */

import type { SeededRandom } from "../base/random.ts";
import type { Answer } from "./asks.ts";
import type { Drain } from "./drain.ts";
import type { ScopeOptions, ScopeView } from "./effect_scopes.ts";
import type { Handlers } from "./handlers.ts";
import type { QueryFunction } from "./queries.ts";
import type { NoteKind } from "./notes.ts";
import type { Identity } from "./origins.ts";
import type { Request } from "./requested_command.ts";
import type { LogLevel, LogLine, RunStart } from "./turn.ts";

/** What the executor passes to an execution. */
export interface ExecutionOptions {
  /** How microtasks are drained. */
  readonly drain: Drain;
  /** Receives the lines of `ctx.log` that have not been logged before. */
  readonly log?: (line: LogLine) => void;
  /**
   * Whether to record where each effect was requested; slower, and drift reports get a location.
   */
  readonly trace?: boolean;
  /** The most bytes of a new value; unlimited when omitted. */
  readonly payloadBytes?: number;
  /**
   * Called once if the code made progress between two turns, which is refused. Take a turn without
   * events to receive the refusal.
   */
  readonly wake?: () => void;
  /** Is notified of turns that run synchronously. */
  readonly pulse?: TurnPulse;
  /**
   * Whether the place at which the code requests an effect is to be kept, by its kind and name. An
   * activity's is kept in any case.
   */
  readonly wantsSite?: ((kind: string, name: string) => boolean) | undefined;
}

/** Is notified of turns while they are on the stack, for a watchdog. */
export interface TurnPulse {
  /** A turn begins. */
  begins(): void;
  /** The turn delivers another event. */
  delivers(): void;
  /** The turn has ended. */
  ends(): void;
}

/** Options of one turn. */
export interface TurnOptions {
  /**
   * For the first turn: up to where earlier executions have logged the lines of the code, from
   * {@linkcode Execution.loggedUpTo}; `null` if none has. By default, the lines up to the last
   * delivery of the turn count as logged, and those after it do not.
   */
  readonly loggedUpTo?: number | null;
}

/** What the code of a run can request from the machine. Contexts are built on it. */
export interface Effects {
  /** The run. */
  readonly start: RunStart;
  /** What ids and values of the run derive from now (ORIGIN-1 of `origins.ts`). */
  readonly identity: Identity;
  /** What the id of the child at a position derives from. */
  childIdentity(position: number): Identity;
  /** The run's randomness. */
  readonly randomness: SeededRandom;
  /** The position that the next effect gets in program order. */
  readonly position: number;
  /** How many events the code has received so far in this generation; the same on a replay. */
  readonly delivered: number;
  /** The run's clock, in milliseconds since the epoch. */
  virtualNow(): number;
  /** Throws a {@linkcode ContextError} unless this run's own code is running. */
  enter(call: string): void;
  /** Requests an effect. Call {@linkcode Effects.enter} first. */
  ask(request: Request): Promise<unknown>;
  /**
   * Runs a function in a scope of its own (SCOPE-1 of `effect_scopes.ts`). Call
   * {@linkcode Effects.enter} first.
   */
  scoped<Output>(
    body: (scope: ScopeView) => Output | Promise<Output>,
    options: ScopeOptions,
  ): Promise<Output>;
  /**
   * Waits until a condition holds, which is looked at now and after each delivery. Call {@linkcode
   * Effects.enter} first.
   *
   * @param condition The condition.
   * @param timeout The sleep after which the wait ends; it is requested if the condition does not
   * hold now, and withdrawn when it holds. `null`: the wait has no limit.
   * @param signal Ends the wait.
   * @returns Whether the condition holds; `false` after the timeout.
   */
  until(
    condition: () => boolean,
    timeout: Request | null,
    signal: AbortSignal | undefined,
  ): Promise<boolean>;
  /** Handlers of signals that are under way. */
  readonly handlers: Handlers;
  /** Whether the run was cancelled. */
  readonly isCancelled: boolean;
  /** Ends the run with the error of a handler, unless it has ended. */
  fail(error: unknown): void;
  /** Aborts when the run is cancelled. */
  readonly cancelSignal: AbortSignal;
  /**
   * Checks the size of a value that no command contains. Call {@linkcode Effects.enter} first.
   *
   * @param text The value, encoded.
   * @param what Which value, for the error.
   * @throws {PayloadTooLargeError} If it is too large; on a replay, if it was when first checked.
   */
  admit(text: string, what: string): void;
  /**
   * Sets attributes, the status or a value of the run; there is no result. Call {@linkcode
   * Effects.enter} first.
   *
   * @throws {PayloadTooLargeError} If it is too large; on a replay, if it was when first set.
   */
  note(kind: NoteKind, payload: string, name?: string): void;
  /**
   * Answers an ask that a handler has taken. Nothing happens if the run has ended.
   *
   * @param ask The id of the ask.
   * @param answer What the handler returned or threw.
   * @throws {NotSerializableError} If a value can't be encoded.
   * @throws {PayloadTooLargeError} If it is too large; on a replay, if it was when first answered.
   */
  answer(ask: string, answer: Answer): void;
  /**
   * Adds a query of the code (QUERY-1).
   *
   * @param name Its name.
   * @param answer Answers it.
   * @returns Removes it.
   */
  onQuery(name: string, answer: QueryFunction): () => void;
  /** The answer of `ctx.patched`. */
  patched(name: string): boolean;
  /** Logs a line, unless an earlier execution has logged it. */
  log(level: LogLevel, message: string, properties: Record<string, unknown>): void;
}

/** The code of a run: the workflow's function, bound to a context. */
export type Body = (effects: Effects, input: unknown) => unknown;
