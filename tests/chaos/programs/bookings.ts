/** @module */

import { booked, completedWith, numberOf, type Program, range } from "./program.ts";

/** Rows that transactions write, two of them at the same time. */
export const bookings: Program = {
  name: "bookings",
  weight: 12,
  draw: (draw) => ({ input: { count: 1 + draw.below(4) }, acts: [] }),
  *check(run) {
    const count = numberOf(run, "count");
    yield* completedWith(run, count);
    yield* booked(run, [...range(count).map((at) => `book ${at}`), "left", "right"]);
  },
};
