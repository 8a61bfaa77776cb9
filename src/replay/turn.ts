/**
 * The result of one turn: what the machine returns to its executor.
 *
 * @module
 */

import type { Command, CommandKind } from "./commands.ts";
import type { EventKind } from "./history.ts";
import type { Note } from "./notes.ts";

/** What the run row has about the start. */
export interface RunStart {
  /** The run's id. */
  readonly runId: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** The hash of the version that runs. */
  readonly version: string;
  /** The encoded input. */
  readonly input: string;
  /** The seed of `random()` and `uuid()`: any text, stored at start. */
  readonly seed: string;
  /** Database time of the start, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** How often the run has continued as new; 0 when omitted. */
  readonly generation?: number;
  /** The number of the run's attempt; 1 when omitted. */
  readonly attempt?: number;
  /** The terms of its start, as `policyText` writes them; `null` or omitted: none. */
  readonly policy?: string | null;
  /** Where a fork comes from, as `originText` writes it; `null`: the run is no fork. */
  readonly origin: string | null;
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
    /** The function threw, or returned a value that cannot be serialised. */
    readonly kind: "failed";
    /** The encoded error (see `encodeError`). */
    readonly error: string;
  }
  | {
    /** The function did not catch the cancellation. */
    readonly kind: "cancelled";
    /** The encoded error (see `encodeError`). */
    readonly error: string;
  }
  | {
    /** The function returned the value of `ctx.continueAsNew`. */
    readonly kind: "continued";
    /** The encoded input of the next generation. */
    readonly input: string;
    /** Whether the next generation runs the workflow's current version, or stays on this one. */
    readonly version: "current" | "pinned";
    /** Whether the run takes new versions by itself from now on; `null`: as before. */
    readonly versioning: "auto" | "pinned" | null;
  };

/**
 * A location in a module.
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
 * One side of a drift: the history's, or the code's.
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
 * The code disagrees with the history, or with an effect that is open: a task, the unread end of an
 * activity, or a child of the run at a position for which the history has no event yet.
 *
 * @category Runs
 */
export interface DriftReport {
  /** The event that did not match; `null`: an open effect did not. */
  readonly seq: number | null;
  /** The position of the event or of the open effect. */
  readonly position: number | null;
  /** What the history holds, or what is open. */
  readonly expected: DriftSide;
  /** What the code requested at that position; `null` if nothing. */
  readonly found: DriftSide | null;
  /** Where the code requested it; `null` unless the execution traces call sites. */
  readonly site: CallSite | null;
  /** The workflow's name. */
  readonly workflow: string;
  /** The hash of the version that ran. */
  readonly version: string;
  /** All of it in one sentence, with what to do. */
  readonly message: string;
}

/**
 * Workflow code made a call that a replay cannot repeat; the run will be parked.
 *
 * @category Runs
 */
export interface Refusal {
  /** The function that was called, such as `fetch`. */
  readonly call: string;
  /** What to call instead. */
  readonly instead: string;
  /** How many effects the code had requested before. */
  readonly position: number;
  /** Where it was called; null if unknown. */
  readonly site: CallSite | null;
  /** All of it in one sentence. */
  readonly message: string;
}

/** One line that workflow code logged. */
export interface LogLine {
  /** The severity. */
  readonly level: LogLevel;
  /** The text. */
  readonly message: string;
  /** Values for the text; {} when none were given. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The severity of a line. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The result of one turn. */
export interface Turn {
  /** Commands requested since the last turn and still waiting, in program order. */
  readonly issued: readonly Command[];
  /**
   * Positions, reported by an earlier turn, that an `AbortSignal` has since withdrawn. Events for
   * them may have been delivered in this very turn. A replay does not repeat them: after its first
   * turn, an executor drops every timer and task whose position is not outstanding.
   */
  readonly withdrawn: readonly number[];
  /**
   * `child` commands that an `AbortSignal` has withdrawn before the child's end was known: the
   * children are to be cancelled. Includes commands that were requested in this very turn, since an
   * earlier execution may have started their children: each replay returns them again.
   */
  readonly withdrawnChildren: readonly Command[];
  /**
   * Names for which `patched` returned `true` for the first time. The executor journals one
   * `patched` event each, before any later delivery of the run.
   */
  readonly patches: readonly string[];
  /**
   * Notes that the code has made for the first time. The executor journals each, in order, before
   * any later delivery of the run.
   */
  readonly notes: readonly Note[];
  /** How the run ended; `null` while it runs. */
  readonly outcome: Outcome | null;
  /** Code and history disagree; the rest of the turn is void then. */
  readonly drift: DriftReport | null;
  /** The code made a call that a replay cannot repeat; the rest of the turn is void then. */
  readonly refused: Refusal | null;
  /**
   * The code has not ended and waits for no effect: it waits for a promise that is not the
   * engine's.
   */
  readonly idle: boolean;
}
