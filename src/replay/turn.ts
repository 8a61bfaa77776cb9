/**
 * What one turn of a run brought to light: the machine's answer to its executor.
 *
 * @module
 */

import type { Command, CommandKind } from "./commands.ts";
import type { EventKind } from "./history.ts";
import type { Note } from "./notes.ts";

/** What a run row says about its start. */
export interface RunStart {
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version hash of the code that runs. */
  readonly version: string;
  /** The encoded input. */
  readonly input: string;
  /** The seed of `random()` and `uuid()`: any text, stored at start. */
  readonly seed: string;
  /** Database time of the start, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** How often the run has continued as new; 0 when omitted. */
  readonly generation?: number;
  /** Which attempt of the run it is; 1 when omitted. */
  readonly attempt?: number;
}

/** How a run ended. */
export type Outcome =
  | {
    /** The function returned. */
    readonly kind: "completed";
    /** The encoded result. */
    readonly result: string;
  }
  | {
    /** The function threw, or returned what cannot be serialised. */
    readonly kind: "failed";
    /** The encoded error (see `encodeError`). */
    readonly error: string;
  }
  | {
    /** The function let the cancellation pass. */
    readonly kind: "cancelled";
    /** The encoded error (see `encodeError`). */
    readonly error: string;
  }
  | {
    /** The function returned what `ctx.continueAsNew` gave it. */
    readonly kind: "continued";
    /** The encoded input of the next generation. */
    readonly input: string;
    /** Whether it takes the workflow's current version, or stays on this one. */
    readonly version: "current" | "pinned";
  };

/**
 * A place in a module.
 *
 * @category Runs
 */
export interface CallSite {
  /** The module's URL. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/**
 * One side of a drift: what the history says, or what the code did.
 *
 * @category Runs
 */
export interface DriftSide {
  /** The kind of event or command. */
  readonly kind: EventKind | CommandKind;
  /** The effect's name. */
  readonly name: string;
  /** The digest of its input. */
  readonly digest: string | null;
}

/**
 * The code and the history disagree.
 *
 * @category Runs
 */
export interface DriftReport {
  /** The event that did not fit. */
  readonly seq: number;
  /** The position that it is about. */
  readonly position: number | null;
  /** What the history holds. */
  readonly expected: DriftSide;
  /** What the code asked for at that position; null if it asked for nothing. */
  readonly found: DriftSide | null;
  /** Where the code asked for it; null unless the execution traces call sites. */
  readonly site: CallSite | null;
  /** The workflow's name. */
  readonly workflow: string;
  /** The version hash of the code that ran. */
  readonly version: string;
  /** All of it in a sentence, with what to do. */
  readonly message: string;
}

/**
 * Workflow code did what a replay cannot repeat; the run is to be parked.
 *
 * @category Runs
 */
export interface Refusal {
  /** What was called, such as `fetch`. */
  readonly call: string;
  /** What to call in its place. */
  readonly instead: string;
  /** How many effects the code had asked for before. */
  readonly position: number;
  /** Where it was called; null if unknown. */
  readonly site: CallSite | null;
  /** All of it in a sentence. */
  readonly message: string;
}

/** One line that workflow code logged. */
export interface LogLine {
  /** How much it matters. */
  readonly level: LogLevel;
  /** The text. */
  readonly message: string;
  /** Facts beside the text; {} when none were given. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** What one turn brought to light. */
export interface Turn {
  /** Commands asked for since the last turn and still wanted, in program order. */
  readonly issued: readonly Command[];
  /**
   * Positions, reported by an earlier turn, that an `AbortSignal` has since withdrawn. Events for
   * them may have been delivered in this very turn. A replay does not repeat them: after its first
   * turn, an executor drops every timer and task whose position is not outstanding.
   */
  readonly withdrawn: readonly number[];
  /**
   * Commands to run a child that an `AbortSignal` has withdrawn, and whose end is not known: the
   * child is to be cancelled. Also those that were asked for in this very turn, since an execution
   * before this one may have started them: each replay tells of them again.
   */
  readonly childrenGivenUp: readonly Command[];
  /**
   * Names that `patched` decided `true` for the first time. The executor journals one `patched`
   * event each, before any later delivery of the run.
   */
  readonly patches: readonly string[];
  /**
   * What the code has said of its run for the first time. The executor journals each, in order,
   * before any later delivery of the run.
   */
  readonly notes: readonly Note[];
  /** How the run ended; null while it goes on. */
  readonly outcome: Outcome | null;
  /** Code and history disagree; nothing else of the turn counts then. */
  readonly drift: DriftReport | null;
  /** The code did what a replay cannot repeat; nothing else of the turn counts then. */
  readonly refused: Refusal | null;
  /** The code neither ended nor waits for anything of the engine's: a foreign wait. */
  readonly idle: boolean;
}
