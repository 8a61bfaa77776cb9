/** @module */

import { completedWith, numberOf, type Program, range } from "./program.ts";

/** A parent of leaves and of a reader of letters. */
export const family: Program = {
  name: "family",
  weight: 8,
  draw: (draw) => ({ input: { count: 2 + draw.below(3) }, acts: [] }),
  *check(run) {
    const squares = range(numberOf(run, "count"))
      .map((number) => number === 1 ? "Leaf 1 falls" : number * number);
    yield* completedWith(run, { squares, read: [0, 1] });
  },
};
