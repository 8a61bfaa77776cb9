/**
 * How a run leaves a node's memory.
 *
 * @module
 */

import type { Exit } from "../../ports/exit.ts";
import type { CommitResult, Transition } from "../../ports/rows.ts";

/** How an execution is over: its run leaves, or all of the history is read anew. */
export type ExitOrReload = Exit | "reload";

/** A write that the database acknowledged. */
export type Committed = Extract<CommitResult, { status: "written" }>;

/** The run is somebody else's, or nobody's. */
export const LOST: Exit = { kind: "lost" };

/**
 * What a transition that was written means.
 *
 * @param transition The transition.
 * @param written What the database said of it.
 * @returns How the run left.
 */
export function exitAfter(
  transition: Transition,
  { watched, mustNotify }: Pick<Committed, "watched" | "mustNotify">,
): Exit {
  switch (transition.to) {
    case "suspended":
      return { kind: "suspended", wakeAt: transition.wakeAt };
    case "released":
      return { kind: "released" };
    case "completed":
    case "failed":
    case "cancelled":
    case "terminated": {
      const { to: state, result, error } = transition;
      return { kind: "ended", state, result, error, watched, mustNotify };
    }
    default:
      return { kind: "stuck", state: transition.to, watched };
  }
}
