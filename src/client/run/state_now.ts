/**
 * The state of a run that has changed since it was read.
 *
 * @module
 */

import type { RunState } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";
import { runEnded, runNotFound } from "../../base/run_errors.ts";

/**
 * Reads the state of a live run anew, after a call has found the run otherwise than it had read it: an
 * error that says what was found says what is there now.
 *
 * @param runId The run.
 * @param action What the call attempted.
 * @param runs Reads it.
 * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If it is gone.
 * @throws {RunStateError} (`RUN_ENDED`) If it has ended.
 */
export async function stateNow(
  runId: string,
  action: string,
  runs: Pick<RunStore, "get">,
): Promise<RunState> {
  const now = await runs.get(runId);
  if (now === null) throw runNotFound(runId, action);
  if (now.endedAt !== null) throw runEnded(runId, action, now.state);
  return now.state;
}
