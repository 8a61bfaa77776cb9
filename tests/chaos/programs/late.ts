/** @module */

import { noted, type Program } from "./program.ts";

/** A run that takes too long: it cleans up, and has failed, and not before its time. */
export const late: Program = {
  name: "late",
  weight: 5,
  draw: () => ({ input: {}, acts: [] }),
  *check(run) {
    const { state, error, createdAt, endedAt } = run.row;
    if (state !== "failed") return yield `is ${state}, wanted failed`;
    const { code } = error as { code?: string };
    if (code !== "RUN_TIMEOUT") yield `failed with ${code}, wanted RUN_TIMEOUT`;
    if (endedAt! - createdAt < 1_000) yield `timed out after ${endedAt! - createdAt} ms`;
    // If no node claimed it in time, no code was executed.
    const places = new Set(run.notes.map(({ place }) => place));
    if (places.has("begins")) yield* noted(run, ["begins", "cleans"]);
  },
};
