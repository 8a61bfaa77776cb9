/** @module */

import { booked, completedWith, type Program } from "./program.ts";

/** A run that succeeds at its third attempt. */
export const again: Program = {
  name: "again",
  weight: 5,
  draw: () => ({ input: {}, acts: [] }),
  *check(run) {
    yield* completedWith(run, 3);
    yield* booked(run, ["attempt 1", "attempt 2", "attempt 3"]);
  },
};
