/**
 * Pauses a run, and lets it continue.
 *
 * @module
 */

import { decode, encode } from "../../base/values.ts";
import { isEncoded } from "../../base/encoded.ts";
import type { RunRow } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";
import type { ClientContext } from "../context.ts";
import { operated } from "../operated.ts";
import { runEnded } from "../../base/run_errors.ts";
import { wrongRunState } from "../errors.ts";
import { stateNow } from "./state_now.ts";

/**
 * That a run is paused, or is going to be.
 *
 * @category Runs
 */
export interface RunPause {
  /** Why, as the caller of `pause()` said; `null`: nothing was said. */
  readonly reason: string | null;
  /** When it was paused. */
  readonly at: Date;
}

/** The dependencies. */
export type PauseContext = Pick<
  ClientContext,
  "log" | "operator" | "runs" | "store" | "wakeups"
>;

/**
 * What the database keeps of a pause.
 *
 * @param reason Why.
 * @returns The request, encoded.
 */
export function pauseRequest(reason: string | null): string {
  return encode({ reason });
}

/**
 * Pauses a run; see {@linkcode RunHandle.pause}.
 *
 * @param row The run.
 * @param reason Why.
 * @param context Its dependencies.
 */
export async function pauseRun(
  row: RunRow,
  reason: string | null,
  context: PauseContext,
): Promise<void> {
  const { id, runId, namespace } = row;
  const act = { action: "run.pause", namespace, target: runId } as const;
  const what = "pause the run";
  await operated(context, act, async (deed) => {
    if (row.endedAt !== null) throw runEnded(runId, what, row.state);
    const paused = await deed(async ({ runs }) => await runs.pause(id, pauseRequest(reason)));
    if (paused !== null) context.wakeups.wakeRun(paused.id, paused.node);
    else await stateNow(runId, what, context.runs);
    return paused;
  }, (paused) => paused === null ? "unchanged" : null);
}

/**
 * Lets a run continue; see {@linkcode RunHandle.resume}.
 *
 * @param row The run.
 * @param context Its dependencies.
 */
export async function resumeRun(row: RunRow, context: PauseContext): Promise<void> {
  const { id, runId, namespace, state } = row;
  const act = { action: "run.resume", namespace, target: runId } as const;
  const what = "resume the run";
  await operated(context, act, async (deed) => {
    if (row.endedAt !== null) throw runEnded(runId, what, state);
    const resumed = await deed(async ({ runs }) => await runs.resume(id));
    if (resumed === null) {
      throw wrongRunState(runId, what, await stateNow(runId, what, context.runs), "paused");
    }
    if (resumed.wakeAt !== null) context.wakeups.due(resumed.wakeAt);
    else context.wakeups.wakeRun(resumed.id, resumed.node);
  });
}

/**
 * Reads whether a run is paused, or is to be.
 *
 * @param row The run.
 * @param runs Reads it.
 * @returns Why, and since when; `null`: it is not.
 */
export async function pauseOf(row: RunRow, runs: RunStore): Promise<RunPause | null> {
  const { state } = row;
  if (row.endedAt !== null || state === "pending" || state === "suspended") return null;
  const asked = await runs.pauseOf(row.id);
  if (asked === null) return null;
  const { request } = asked;
  const { reason = null } = isEncoded(request) ? {} : decode(request) as { reason?: string | null };
  return { reason, at: new Date(asked.at) };
}
