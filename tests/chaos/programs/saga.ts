/** @module */

import { completedWith, noted, numberOf, type Program, range, type RunFacts } from "./program.ts";

/** Compensations: whatever was done is undone, the last first, unless all went well. */
export const saga: Program = {
  name: "saga",
  weight: 10,
  draw(draw) {
    const ends = draw.of(["well", "throws", "waits"] as const);
    return {
      input: { count: 1 + draw.below(3), ends },
      acts: ends === "waits" ? [{ do: "cancel", afterMs: draw.below(2_000) }] : [],
    };
  },
  *check(run) {
    const { ends } = run.drawn.input;
    const done = range(numberOf(run, "count")).map((at) => `do ${at}`);
    const undone = done.map((place) => `un${place}`);
    if (ends === "well") {
      yield* completedWith(run, "done");
      yield* noted(run, done);
      return;
    }
    yield* inReverse(run);
    if (ends === "throws") {
      yield* completedWith(run, "undone");
      yield* noted(run, [...done, ...undone]);
      return;
    }
    if (run.row.state !== "cancelled") yield `is ${run.row.state}, wanted cancelled`;
    for (const { place } of run.notes) {
      if (!place.startsWith("do ")) continue;
      if (!run.notes.some((other) => other.place === `un${place}`)) {
        yield `was cancelled, and never undid ${place}`;
      }
    }
  },
};

/** Compensations were first tried in the reverse order of what they undo. */
function* inReverse({ notes }: RunFacts): Generator<string> {
  const tried = [...new Set(notes.map(({ place }) => place))]
    .filter((place) => place.startsWith("undo "));
  if (tried.join() !== [...tried].sort().reverse().join()) yield `compensated as ${tried}`;
}
