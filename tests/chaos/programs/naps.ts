/** @module */

import { numberOf, type Program } from "./program.ts";

/** Timers: none ends before its time. */
export const naps: Program = {
  name: "naps",
  weight: 8,
  draw: (draw) => ({ input: { count: 1 + draw.below(4), ms: 20 + draw.below(2_000) }, acts: [] }),
  *check(run) {
    const { state, result } = run.row;
    if (state !== "completed") return yield `is ${state}, wanted completed`;
    const found = result as readonly [number, number][];
    const ms = numberOf(run, "ms");
    if (found.length !== numberOf(run, "count")) yield `slept ${found.length} times`;
    for (const [began, ended] of found) {
      if (ended - began < ms) yield `slept ${ended - began} ms, wanted ${ms}`;
    }
  },
};
