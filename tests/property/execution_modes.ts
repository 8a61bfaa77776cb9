/**
 * The modes in which random workflows are executed: the properties hold in each.
 *
 * @module
 */

import { type Fate, PASSING_STATES } from "../support/losses.ts";
import type { ExecutionMode } from "./runs.ts";

const ROOM = 1_000_000;

/** Every run stays in memory until it ends. */
export const RESIDENT: ExecutionMode = {
  name: "runs stay in memory",
  node: { lingerMs: 1e9, maxResidentRuns: ROOM },
};

/** Every run is a row while it waits, and loaded again when it is woken. */
export const COLD: ExecutionMode = {
  name: "runs are parked at each wait",
  node: { lingerMs: 0, maxResidentRuns: ROOM },
};

/** Few runs fit into memory; lingering ones are evicted for others. */
export const CROWDED: ExecutionMode = {
  name: "runs have little room",
  node: { lingerMs: 150, maxResidentRuns: 3 },
};

/** The node loses its lease now and then, but not so often that runs count as poisoned. */
export const EXPIRED: ExecutionMode = {
  name: "nodes expire",
  node: { lingerMs: 350, maxResidentRuns: ROOM },
  expiries: [240, 650, 1_270, 2_460],
};

/** All runs are paused now and then, also while the node expires, and resumed. */
export const PAUSED: ExecutionMode = {
  name: "runs are paused and resumed",
  node: { lingerMs: 350, maxResidentRuns: ROOM },
  expiries: [650, 1_450],
  pauses: [{ from: 240, to: 900 }, { from: 1_270, to: 1_900 }],
};

/** Each run is forked while it lives, reopened if it failed, and forked once more after its end. */
export const FORKED: ExecutionMode = {
  name: "runs are forked and reopened",
  reopens: true,
  node: { lingerMs: 350, maxResidentRuns: ROOM },
  forksAt: 1_270,
};

/** Answers are lost and statements fail, so often that each kind of statement meets both. */
export const LOSSY: ExecutionMode = {
  name: "answers are lost and statements fail",
  node: { lingerMs: 150, maxResidentRuns: ROOM },
  fates: () => {
    const asked = new Map<string, number>();
    let faults = 0;
    return (name): Fate => {
      const n = (asked.get(name) ?? 0) + 1;
      asked.set(name, n);
      if (n % 7 === 2) return "lost";
      return n % 11 === 4
        ? { state: PASSING_STATES[faults++ % PASSING_STATES.length]! }
        : "answered";
    };
  },
};
