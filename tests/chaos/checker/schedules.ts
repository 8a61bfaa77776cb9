/**
 * Each planned time of a schedule fires once.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";
import { grouped } from "./grouped.ts";

/** Checks schedules, and what they started. */
export function* checkSchedules(evidence: Evidence): Generator<Finding> {
  const { schedules, scheduleRows, firings, runs, bookings } = evidence;
  const firingsOf = grouped(firings, ({ schedule }) => schedule);
  const byKey = new Map(runs.map((run) => [run.key, run]));
  const booked = new Set(bookings.map(({ run }) => run));
  for (const { id, runs: wanted } of schedules) {
    const row = scheduleRows.find((found) => found.id === id);
    if (row === undefined) {
      yield { promise: FIRES, message: `Schedule ${id} is not there` };
      continue;
    }
    const { state, started, skipped, missed } = row;
    if (state !== "done" || started !== wanted || skipped + missed > 0) {
      const message = `Schedule ${id} is ${state}: ${started} of ${wanted} runs started, ` +
        `${skipped} skipped, ${missed} missed`;
      yield { promise: FIRES, message };
    }
    const fired = firingsOf.get(row.key) ?? [];
    if (new Set(fired.map(({ plannedAt }) => plannedAt)).size !== wanted) {
      yield { promise: FIRES, message: `Schedule ${id} fired ${fired.length} times` };
    }
    for (const { run } of fired) {
      const found = byKey.get(run);
      if (found?.state === "completed" && booked.has(found.id)) continue;
      const message = `Schedule ${id} fired ${found?.id ?? run}, which is ${found?.state}`;
      yield { promise: FIRES, message };
    }
  }
}

const FIRES = "each planned time fires once";
