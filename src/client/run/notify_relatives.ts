/**
 * After a client has ended or reopened a run.
 *
 * @module
 */

import { settleEnded } from "../../store/settle_ended.ts";
import type { ClientContext } from "../context.ts";

/**
 * Notifies the relatives of runs that have ended. Nodes do the same at one of their heartbeats, so
 * the call logs an error instead of throwing it.
 *
 * @param runId The run that the client has changed.
 * @param context Its dependencies.
 */
export async function notifyRelatives(
  runId: string,
  { store, wakeups, log }: Pick<ClientContext, "store" | "wakeups" | "log">,
): Promise<void> {
  try {
    await settleEnded(store.lineage, wakeups);
  } catch (error) {
    log.warn("Cannot notify the relatives of run {runId}: {error}", { runId, error });
  }
}
