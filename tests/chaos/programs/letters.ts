/** @module */

import { completedWith, letters, numberOf, type Program, range } from "./program.ts";

/** Signals in their order; some runs are terminated while they wait for one more. */
export const lettersProgram: Program = {
  name: "letters",
  weight: 12,
  draw(draw) {
    const count = 1 + draw.below(5);
    const isTerminated = draw.chance(0.1);
    return {
      input: { count: isTerminated ? count + 1 : count },
      acts: isTerminated
        ? [...letters(draw, count), { do: "terminate", afterMs: draw.below(500) }]
        : letters(draw, count),
    };
  },
  *check(run) {
    if (run.drawn.acts.some((act) => act.do === "terminate")) {
      if (run.row.state !== "terminated") yield `is ${run.row.state}, wanted terminated`;
    } else {
      yield* completedWith(run, range(numberOf(run, "count")));
    }
  },
};
