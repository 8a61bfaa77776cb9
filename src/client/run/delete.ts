/**
 * Removes one run that has ended.
 *
 * @module
 */

import { runNotFound } from "../../base/run_errors.ts";
import type { Pruned } from "../../ports/retention.ts";
import { settleAll } from "../../store/settle_ended.ts";
import type { ClientContext } from "../context.ts";
import { type Deed, operated } from "../operated.ts";
import { runAwaited, wrongRunState } from "../errors.ts";

/**
 * Options of {@linkcode Runs.delete}.
 *
 * @category Runs
 */
export interface DeleteOptions {
  /** The run's namespace; that of this instance when omitted. */
  readonly namespace?: string;
}

/** The dependencies of a deletion. */
export type DeleteContext = Pick<ClientContext, "store" | "runs" | "wakeups" | "log" | "operator">;

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
  context: DeleteContext,
): Promise<Pruned> {
  const act = { action: "run.delete", namespace, target: runId } as const;
  return await operated(context, act, (deed) => remove(runId, namespace, context, deed));
}

async function remove(
  runId: string,
  namespace: string,
  { store, wakeups }: DeleteContext,
  deed: Deed,
): Promise<Pruned> {
  while (true) {
    const removed = await deed(async ({ store: { retention } }) => {
      const removal = await retention.remove(namespace, runId);
      switch (removal.status) {
        case "removed": {
          const { runs, generations, events, keys } = removal;
          return { runs, generations, events, keys };
        }
        case "unsettled":
          return null;
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
    }, { details: ({ generations, events, keys }) => ({ generations, events, keys }) });
    if (removed !== null) return removed;
    await settleAll(store, wakeups);
  }
}
