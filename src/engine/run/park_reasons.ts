/**
 * Why a run is parked: for people first.
 *
 * @module
 */

import { messageOf } from "../../base/text.ts";
import type { ClaimedRun, LoadedRun, StuckReason } from "../../ports/rows.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import type { Turn } from "../../replay/turn.ts";
import type { RunCode } from "../code/run_code.ts";

/** Claims in a row without progress after which a run is parked. */
export const POISON_CLAIMS = 5;

/**
 * Looks for what a turn can't go on with: code and history, or code and rules, disagree.
 *
 * @param turn The turn.
 * @param run The run.
 * @param code Its code: a drift is replayed once more, to find its file and line.
 * @param history What the execution started from.
 * @returns The reason; `undefined`: the turn is fine.
 */
export async function diagnose(
  turn: Turn,
  run: ClaimedRun,
  code: RunCode,
  history: readonly HistoryEvent[],
): Promise<StuckReason | undefined> {
  if (turn.drift !== null) {
    const traced = await code.execute(run, { trace: true }).turn(history);
    const drift = traced.drift ?? turn.drift;
    return { code: "DRIFT", message: drift.message, details: drift };
  }
  if (turn.refused !== null) {
    const { message } = turn.refused;
    return { code: "NONDETERMINISTIC_CALL", message, details: turn.refused };
  }
  if (!turn.idle) return undefined;
  return {
    code: "FOREIGN_WAIT",
    message:
      `Workflow "${run.workflow}" neither ended nor waits for anything of the engine's: it ` +
      `awaits a promise that only "ctx" could settle again on a replay; do such work in ` +
      `ctx.run(...) or in an activity`,
  };
}

/**
 * Looks whether events of a history are missing: nobody can replay what is not there.
 *
 * @param run The run.
 * @param loaded What was read: all of its generation's history, and where the next event would go.
 * @returns The reason; `undefined`: it is whole.
 */
export function gapIn(
  { runId, firstSeq }: ClaimedRun,
  { events, nextSeq }: Pick<LoadedRun, "events"> & Partial<Pick<LoadedRun, "nextSeq">>,
): StuckReason | undefined {
  const found = events.findIndex(({ seq }, i) => seq !== firstSeq + i);
  const end = firstSeq + events.length;
  if (found < 0 && (nextSeq === undefined || nextSeq === end)) return undefined;
  const missing = found < 0 ? end : firstSeq + found;
  return {
    code: "HISTORY_INCOMPLETE",
    message: `Cannot replay run ${JSON.stringify(runId)}: event ${missing} of its history is ` +
      "missing in the database; restore it from a backup, then retry() the run, or fork it before",
    details: { missing },
  };
}

/** Whatever executes the run seems to die of it. */
export function poisoned(run: ClaimedRun): StuckReason {
  return {
    code: "POISONED",
    message: `Run "${run.runId}" was claimed ${run.claims - 1} times in a row without writing ` +
      `anything: whatever executes it seems to die of it`,
    details: { claims: run.claims - 1 },
  };
}

/** The engine's own mistakes: the run is kept as it is, for a better release and a `retry`. */
export function broken(error: unknown): StuckReason {
  const message = messageOf(error);
  return {
    code: "ENGINE_ERROR",
    message: `The engine cannot execute the run: ${message}`,
    details: { stack: error instanceof Error ? error.stack : undefined },
  };
}
