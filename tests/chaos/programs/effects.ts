/** @module */

import { noted, numberOf, type Program, range } from "./program.ts";

/** Activities, of which one is tried at most once, and one has a result that runs share. */
export const effects: Program = {
  name: "effects",
  weight: 14,
  draw: (draw) => ({
    input: { count: 1 + draw.below(3), topic: `topic ${draw.below(5)}` },
    acts: [],
  }),
  *check(run) {
    const { state, result } = run.row;
    if (state !== "completed") return yield `is ${state}, wanted completed`;
    const { once, token } = result as { once: string; token: string };
    const ones = run.notes.filter(({ place }) => place === "once").length;
    if (ones > 1) yield `tried ${ones} times what may be tried once`;
    if (once === "done" && ones !== 1) yield `says that it did once what it did ${ones} times`;
    if (!/^[0-9a-f-]{36}$/.test(token)) yield `got ${token} for a shared result`;
    const topic = String(run.drawn.input.topic);
    yield* noted(run, [
      ...range(numberOf(run, "count")).flatMap((at) => [`act ${at}`, `post ${at}`]),
      ...(ones > 0 ? ["once"] : []),
      // Another run may have the shared result committed before.
      ...(run.notes.some(({ place }) => place === topic) ? [topic] : []),
    ]);
  },
};
