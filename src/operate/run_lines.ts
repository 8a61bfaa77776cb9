/**
 * Runs as lists show them.
 *
 * @module
 */

import type { RunStateGroup } from "../client/run/conditions.ts";
import type { RunSummary } from "../client/run/summary.ts";
import { RUN_STATES, type RunState } from "../ports/rows.ts";
import { type Plain, plain } from "./plain.ts";

/** A run in a list. */
export type RunLine = Plain<RunSummary> & {
  /** Whether it is pinned to its workflow's current version; `null`: unknown. */
  readonly current: boolean | null;
};

/** A state of runs, or a word for several. `any`: all of them. */
export type StateWord = RunState | RunStateGroup | "any";

/** All words for states. */
export const STATE_WORDS: readonly StateWord[] = ["live", "parked", "ended", "any", ...RUN_STATES];

/**
 * Converts a run.
 *
 * @param run The run.
 * @param current The hash of its workflow's current version; `null`: there is none; `undefined`:
 * unknown.
 */
export function runLine(run: RunSummary, current: string | null | undefined): RunLine {
  return { ...plain(run), current: current === undefined ? null : run.version.hash === current };
}
