/** Types first; see the class. @module */
import type { Drain } from "./drain.ts";
import type { HistoryEvent } from "./history.ts";
import type { LogLine, RunStart, Turn } from "./turn.ts";

/** What an execution is made with. */
export interface ExecutionOptions {
  /** How microtasks are drained. */
  readonly drain: Drain;
  /** Takes what `ctx.log` says at the live tail. */
  readonly log?: (line: LogLine) => void;
  /** Whether to note where each effect was asked for; slower, and gives drift a file and line. */
  readonly trace?: boolean;
}

/** How a turn is to be taken. */
export interface TurnOptions {
  /**
   * The seq of the last event whose consequences an earlier execution has already shown. Lines
   * logged up to there are not repeated. By default, for the first turn, the last event but one;
   * for later turns, none.
   */
  readonly seen?: number;
}

/** One execution of one run, in memory. Dropping it is eviction. */
export interface Execution {
  /** The first call starts the function and takes the whole history. */
  turn(events: readonly HistoryEvent[], options?: TurnOptions): Promise<Turn>;
  /** Signals delivered to withdrawn waits and taken by no other, oldest first. */
  readonly unconsumed: readonly HistoryEvent[];
  /** Reasons of promises that the code left rejected and unhandled so far. */
  readonly unhandled: readonly unknown[];
}

export type { RunStart, Turn };
