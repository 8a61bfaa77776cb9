/**
 * How a run leaves a node's memory.
 *
 * @module
 */

import type { Exit } from "../../ports/exit.ts";
import type { CommitResult, Transition } from "../../ports/rows.ts";

/** How an execution ends: its run leaves, or its history is read anew. */
export type ExitOrReload = Exit | "reload";

/** A write that the database acknowledged. */
export type Committed = Extract<CommitResult, { status: "written" }>;

/** Another node holds the run, or none does. */
export const LOST: Exit = { kind: "lost" };

/**
 * Derives how a run left from the transition that was written.
 *
 * @param transition The transition.
 * @param written The result of the write.
 * @returns How the run left.
 */
export function exitAfter(
  transition: Transition,
  { watched, mustNotify }: Pick<Committed, "watched" | "mustNotify">,
): Exit {
  switch (transition.to) {
    case "suspended":
      return { kind: "suspended", wakeAt: transition.wakeAt };
    case "paused":
      return { kind: "paused" };
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
