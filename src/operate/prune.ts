/**
 * Removes old runs, after a plan that says how many.
 *
 * @module
 */

import type { PruneOptions, PruneReport } from "../client/run/prune.ts";
import { END_STATES, type EndState } from "../ports/rows.ts";
import type { Continuum } from "../continuum.ts";

export { END_STATES, type EndState, type PruneReport };

/** Which runs to remove; `before` is the same for the plan and for the removal. */
export type PruneRequest =
  & Omit<PruneOptions, "dryRun" | "olderThan" | "before">
  & Required<Pick<PruneOptions, "before">>;

/**
 * Counts what would be removed.
 *
 * @param continuum The client.
 * @param request Which runs.
 * @returns The numbers.
 * @throws {InvalidArgumentError} If an option is invalid.
 */
export async function planPrune(
  continuum: Continuum,
  request: PruneRequest,
): Promise<PruneReport> {
  return await continuum.runs.prune({ ...request, dryRun: true });
}

/**
 * Removes runs.
 *
 * @param continuum The client.
 * @param request Which runs.
 * @returns The numbers of what was removed.
 * @throws {InvalidArgumentError} If an option is invalid.
 */
export async function pruneRuns(
  continuum: Continuum,
  request: PruneRequest,
): Promise<PruneReport> {
  return await continuum.runs.prune(request);
}
