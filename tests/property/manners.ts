/**
 * How random workflows are executed: what must hold, holds in each of these manners.
 *
 * @module
 */

import type { Manner } from "./runs.ts";

const ROOM = 1_000_000;

/** Every run stays in memory until it ends. */
export const RESIDENT: Manner = {
  name: "runs stay in memory",
  node: { lingerMs: 1e9, maxResidentRuns: ROOM },
};

/** Every run is a row while it waits, and loaded anew when it is woken. */
export const COLD: Manner = {
  name: "runs are parked at each wait",
  node: { lingerMs: 0, maxResidentRuns: ROOM },
};

/** Few have room at once; those that linger leave for others. */
export const CROWDED: Manner = {
  name: "runs have little room",
  node: { lingerMs: 150, maxResidentRuns: 3 },
};

/** The node loses its lease now and then, fewer times than would look like poison. */
export const BURIED: Manner = {
  name: "nodes are buried",
  node: { lingerMs: 350, maxResidentRuns: ROOM },
  burials: [240, 650, 1_270, 2_460],
};
