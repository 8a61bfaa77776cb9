/**
 * Removes one run that has ended.
 *
 * @module
 */

import type { Pruned } from "../../ports/retention.ts";
import { settleEnded } from "../../store/settle_ended.ts";
import type { ClientContext } from "../context.ts";
import { runAwaited, runNotFound, wrongRunState } from "../errors.ts";

/**
 * Options of {@linkcode Runs.delete}.
 *
 * @category Runs
 */
export interface DeleteOptions {
  /** The run's namespace; that of this instance when omitted. */
  readonly namespace?: string;
}

const ACTION = "delete the run";

/**
 * Removes a run; see {@linkcode Runs.delete}.
 *
 * @param runId The run.
 * @param namespace Its namespace.
 * @param context Its dependencies.
 * @returns How much was removed.
 */
export async function deleteRun(
  runId: string,
  namespace: string,
  { store, wakeups }: Pick<ClientContext, "store" | "wakeups">,
): Promise<Pruned> {
  while (true) {
    const removal = await store.retention.remove(namespace, runId);
    switch (removal.status) {
      case "removed": {
        const { runs, generations, events, keys } = removal;
        return { runs, generations, events, keys };
      }
      case "unsettled":
        await settleEnded(store.lineage, wakeups);
        continue;
      case "not_found":
        throw runNotFound(runId, ACTION);
      case "live":
        throw wrongRunState(
          runId,
          ACTION,
          removal.state,
          "one that has ended: cancel or terminate it first",
        );
      case "awaited":
        throw runAwaited(runId, removal.parent);
    }
  }
}
