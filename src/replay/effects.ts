/**
 * The machine's two sides: what its executor gives it, and what the code of a run may ask of it.
 *
 * @module
 */

import type { SeededRandom } from "../base/random.ts";
import type { Drain } from "./drain.ts";
import type { NoteKind } from "./notes.ts";
import type { Request } from "./requested_command.ts";
import type { LogLevel, LogLine, RunStart } from "./turn.ts";

/** What an execution is made with. */
export interface ExecutionOptions {
  /** How microtasks are drained. */
  readonly drain: Drain;
  /** Takes what `ctx.log` says at the live tail. */
  readonly log?: (line: LogLine) => void;
  /** Whether to note where each effect was asked for; slower, and gives drift a file and line. */
  readonly trace?: boolean;
  /** The most bytes of a value that the code says for the first time; any when omitted. */
  readonly payloadBytes?: number;
  /**
   * Called once, if the code did something between two turns, which is refused: take a turn,
   * without events, to see it.
   */
  readonly wake?: () => void;
  /** Told of turns that are taken at once. */
  readonly pulse?: TurnPulse;
}

/** Told of turns while they are on the stack, for whoever watches that they return. */
export interface TurnPulse {
  /** A turn begins. */
  begins(): void;
  /** It has come to another delivery. */
  delivers(): void;
  /** It is over. */
  ends(): void;
}

/** How a turn is to be taken. */
export interface TurnOptions {
  /**
   * Of the first turn: how far earlier executions have logged what the code says, as
   * {@linkcode Execution.told} said; `null`: none has. By default the lines up to the last delivery
   * of the turn have been logged, and those after it have not.
   */
  readonly told?: number | null;
}

/** What the code of a run may ask of the machine: the ground that contexts are built on. */
export interface Effects {
  /** The run. */
  readonly start: RunStart;
  /** The run's randomness. */
  readonly randomness: SeededRandom;
  /** The place in program order that the next effect takes. */
  readonly position: number;
  /** The run's clock, in milliseconds since the epoch. */
  virtualNow(): number;
  /** Throws a {@linkcode ContextError} unless this run's own code is running. */
  enter(call: string): void;
  /** Asks for an effect. Call {@linkcode Effects.enter} first. */
  ask(request: Request): Promise<unknown>;
  /** Aborts when the run is cancelled. */
  readonly cancelSignal: AbortSignal;
  /**
   * Lets a value pass that leaves no command behind, if it is not too large. Call
   * {@linkcode Effects.enter} first.
   *
   * @param text The value, encoded.
   * @param what Which value, for the error.
   * @throws {PayloadTooLargeError} If it is too large; on a replay, if it was.
   */
  admit(text: string, what: string): void;
  /**
   * Says something of the run, once; it has no answer. Call {@linkcode Effects.enter} first.
   *
   * @throws {PayloadTooLargeError} If it is too large; on a replay, if it was.
   */
  note(kind: NoteKind, payload: string): void;
  /** The answer of `ctx.patched`. */
  patched(name: string): boolean;
  /** Logs a line, at the live tail. */
  log(level: LogLevel, message: string, properties: Record<string, unknown>): void;
}

/** The code of a run: the workflow's function, bound to a context. */
export type Body = (effects: Effects, input: unknown) => unknown;
