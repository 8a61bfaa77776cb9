/**
 * What ended runs have left to do: their parents are notified, and the policies for their children
 * applied. The node or the caller that ended a run does it at once; nodes look for the rest.
 *
 * @module
 */

import type { LimitStore } from "../ports/limits.ts";
import type { LineageStore } from "../ports/lineage.ts";
import type { Wakeups } from "./wakeups.ts";

const BATCH = 100;

/**
 * Does at once what all ended runs have left to do.
 *
 * @param lineage Where the runs are.
 * @param wakeups Wakes the runs that have work by it.
 */
export async function settleEnded(
  lineage: LineageStore,
  wakeups: Pick<Wakeups, "limits" | "wakeRuns">,
): Promise<void> {
  while (true) {
    const { woken, more, freed } = await lineage.settleEnded(BATCH);
    if (woken.length > 0) wakeups.wakeRuns(woken);
    if (freed) wakeups.limits();
    if (!more) return;
  }
}

/**
 * Does what ended runs have left to do, and takes their places back: nothing keeps them any more.
 *
 * @param store Where the runs are.
 * @param wakeups Wakes the runs that have work by it.
 */
export async function settleAll(
  store: { readonly lineage: LineageStore; readonly limits: LimitStore },
  wakeups: Pick<Wakeups, "limits" | "wakeRuns">,
): Promise<void> {
  await settleEnded(store.lineage, wakeups);
  for (let more = true; more;) {
    const round = await store.limits.work();
    if (round.woken.length > 0) wakeups.wakeRuns(round.woken);
    more = round.more;
  }
}
