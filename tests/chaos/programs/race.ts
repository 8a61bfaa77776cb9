/** @module */

import { noted, type Program } from "./program.ts";

/** A signal and a timer race; one of them wins, and history, result and effects agree on it. */
export const race: Program = {
  name: "race",
  weight: 8,
  draw: (draw) => ({
    input: { ms: 50 + draw.below(1_500) },
    acts: draw.chance(0.7)
      ? [{
        do: "signal",
        name: "answer",
        payload: 1,
        isRepeated: draw.chance(0.2),
        afterMs: draw.below(1_500),
      }]
      : [],
  }),
  *check(run) {
    const { state, result } = run.row;
    if (state !== "completed") return yield `is ${state}, wanted completed`;
    const kinds = run.events.map(({ kind }) => kind);
    const first = kinds.find((kind) => ["signal.received", "timer.fired"].includes(kind));
    const wanted = first === "timer.fired" ? "time" : "answer";
    if (result !== wanted) yield `was won by ${result}, and its history says ${wanted}`;
    yield* noted(run, [`won by ${result}`]);
  },
};
