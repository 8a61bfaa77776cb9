/**
 * Nothing is left over once all runs have ended and all workers are closed.
 *
 * @module
 */

import type { Evidence, Finding } from "../evidence.ts";

/** Checks what stands in the tables. */
export function* checkLeftovers({ runs, left, inbox }: Evidence): Generator<Finding> {
  const ended = new Map(runs.map(({ key, endedAt }) => [key, endedAt !== null]));
  for (const { id, node, endedAt, mustNotify, wakeAt, state, stuck } of runs) {
    const what = [
      ...endedAt === null ? [`is ${state} ${JSON.stringify(stuck)}`] : [],
      ...node !== null ? [`is held by ${node}`] : [],
      ...mustNotify ? ["has relatives that do not know its end"] : [],
      ...endedAt !== null && wakeAt !== null ? ["will wake"] : [],
    ];
    for (const message of what) yield { promise: LEFT, message: `Run ${id} ${message}` };
  }
  for (const { run, kind, name } of inbox) {
    // Signals and cancellations that no code received stay with their run, which has ended.
    if (["signal", "cancel"].includes(kind) && ended.get(run) === true) continue;
    yield { promise: LEFT, message: `Message ${kind} ${name} waits for run ${run}` };
  }
  for (const { table, row } of left) {
    yield { promise: LEFT, message: `A row of ${table} is left: ${row}` };
  }
}

const LEFT = "nothing is left over";
