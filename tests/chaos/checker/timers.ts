/**
 * No timer fires before its time: `naps` and `late` say how long each took by the database's clock,
 * and no event is older than the one before it.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";
import { grouped } from "./grouped.ts";

/** Checks timers and firings. */
export function* checkTimers({ runs, events, firings }: Evidence): Generator<Finding> {
  const byKey = new Map(runs.map((run) => [run.key, run]));
  for (const [key, own] of grouped(events, ({ run }) => run)) {
    const run = byKey.get(key);
    if (run === undefined || run.workflow !== "naps") continue;
    const naps = (run.result ?? []) as readonly [number, number][];
    const fired = own.filter(({ kind }) => kind === "timer.fired");
    for (const [at, event] of fired.entries()) {
      const nap = naps[at];
      if (nap !== undefined && nap[1] === event.at) continue;
      const message = `Run ${run.id} woke at ${nap?.[1]}, and its timer fired at ${event.at}`;
      yield { promise: EARLY, message };
    }
  }
  for (const { plannedAt, firedAt, schedule } of firings) {
    if (firedAt >= plannedAt) continue;
    const message = `Schedule ${schedule} fired ${plannedAt - firedAt} ms before its time`;
    yield { promise: EARLY, message };
  }
}

const EARLY = "no timer is early";
