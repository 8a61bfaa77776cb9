/** @module */

import { noted, numberOf, type Program, range } from "./program.ts";

/** Steps, with more of them in newer releases: what upgrades and forks are tried on. */
export const steps: Program = {
  name: "steps",
  weight: 20,
  draw(draw) {
    const count = 2 + draw.below(6);
    const isSlow = draw.chance(0.4);
    const versioning = draw.chance(0.3) ? { versioning: "auto" } as const : {};
    return {
      input: { count, pauseMs: isSlow ? 50 + draw.below(500) : 0 },
      acts: draw.chance(0.1) ? [{ do: "fork", events: draw.below(count), afterMs: 0 }] : [],
      ...versioning,
    };
  },
  *check(run) {
    const { state, result } = run.row;
    if (state !== "completed") return yield `is ${state}, wanted completed`;
    const places = result as readonly string[];
    const own = places.filter((place) => place.startsWith("step "));
    const wanted = range(numberOf(run, "count")).map((at) => `step ${at}`);
    if (own.join() !== wanted.join()) yield `returned ${own}, wanted ${wanted}`;
    // Effects before the point of a fork are its original's; the last one is always its own.
    const isOwn = (place: string) =>
      !run.row.isFork || place === own.at(-1) || run.notes.some((note) => note.place === place);
    yield* noted(run, places.filter(isOwn));
  },
};
