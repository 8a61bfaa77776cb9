/**
 * The reasons for which a run is parked, with messages for operators.
 *
 * @module
 */

import { quote, quoteId } from "../../base/describe.ts";
import { isContinuumError } from "../../base/errors.ts";
import { messageOf } from "../../base/text.ts";
import type { ClaimedRun, LoadedRun, StuckReason } from "../../ports/rows.ts";
import type { HistoryEvent } from "../../replay/history.ts";
import { ANSWERS } from "../../replay/settle.ts";
import type { Turn } from "../../replay/turn.ts";
import type { RunCode } from "../code/run_code.ts";

/** The number of consecutive claims without progress after which a run is parked. */
export const POISON_CLAIMS = 5;

/**
 * Finds out whether a turn can't continue because code and history, or code and rules, disagree.
 *
 * @param turn The turn.
 * @param run The run.
 * @param code Its code: a drift is replayed once more, to find its file and line.
 * @param history The history with which the execution began.
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
 * Finds out whether a history can't be replayed, whatever the code is: events are missing, or are of
 * a kind that this release does not know.
 *
 * @param run The run.
 * @param loaded The whole history of its generation, and the `seq` of its next event.
 * @returns The reason; `undefined`: there is none.
 */
export function faultIn(
  { runId, firstSeq }: ClaimedRun,
  { events, nextSeq }: Pick<LoadedRun, "events"> & Partial<Pick<LoadedRun, "nextSeq">>,
): StuckReason | undefined {
  const found = events.findIndex(({ seq }, i) => seq !== firstSeq + i);
  const end = firstSeq + events.length;
  if (found >= 0 || nextSeq !== undefined && nextSeq !== end) {
    const missing = found < 0 ? end : firstSeq + found;
    return {
      code: "HISTORY_INCOMPLETE",
      message: `Cannot replay run ${quoteId(runId)}: event ${missing} of its history is ` +
        "missing in the database; restore it from a backup, then retry() the run, or fork it before",
      details: { missing },
    };
  }
  const unknown = events.find(({ kind }) => !(kind in ANSWERS));
  if (unknown === undefined) return undefined;
  return {
    code: "HISTORY_TOO_NEW",
    message: `Cannot replay run ${quoteId(runId)}: event ${unknown.seq} of its history is of the ` +
      `kind ${quote(unknown.kind)}, which this release does not know; open nodes of the release ` +
      "that wrote it, close those of this one, then retry() the run",
    details: { seq: unknown.seq, kind: unknown.kind },
  };
}

/** The reason of a run whose nodes repeatedly claimed it and expired. */
export function poisoned(run: ClaimedRun): StuckReason {
  return {
    code: "POISONED",
    message: `Run "${run.runId}" was claimed ${run.claims - 1} times in a row without writing ` +
      `anything: it seems to crash every process that executes it`,
    details: { claims: run.claims - 1 },
  };
}

/**
 * The reason after an error of the engine: the run is kept, for a better release and a `retry`. A
 * value that is not as the engine writes values is no error of the engine's: the database was changed.
 */
export function broken(error: unknown): StuckReason {
  const message = messageOf(error);
  if (isContinuumError(error, "CORRUPT_VALUE")) {
    return {
      code: "HISTORY_CORRUPT",
      message: `Cannot replay the run: ${message}; restore its rows from a backup, then retry() ` +
        "the run, or fork it before",
    };
  }
  return {
    code: "ENGINE_ERROR",
    message: `The engine cannot execute the run: ${message}`,
    details: { stack: error instanceof Error ? error.stack : undefined },
  };
}
