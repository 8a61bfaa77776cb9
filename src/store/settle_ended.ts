/**
 * What ended runs have left to do: their parents are notified, and the policies for their children
 * applied. The node or the caller that ended a run does it at once; nodes look for the rest.
 *
 * @module
 */

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
  wakeups: Pick<Wakeups, "wakeRuns">,
): Promise<void> {
  while (true) {
    const { woken, more } = await lineage.settleEnded(BATCH);
    if (woken.length > 0) wakeups.wakeRuns(woken);
    if (!more) return;
  }
}
