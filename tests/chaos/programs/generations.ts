/** @module */

import { booked, completedWith, letters, numberOf, type Program, range } from "./program.ts";

/** Generations, each with a row of its own and one letter. */
export const generations: Program = {
  name: "generations",
  weight: 8,
  draw(draw) {
    const count = 2 + draw.below(4);
    return { input: { count }, acts: letters(draw, count) };
  },
  *check(run) {
    const count = numberOf(run, "count");
    yield* completedWith(run, range(count));
    yield* booked(run, range(count).map((at) => `generation ${at}`));
    const { generation } = run.row;
    if (generation !== count - 1) yield `is in generation ${generation}, wanted ${count - 1}`;
  },
};
