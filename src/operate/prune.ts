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

/**
 * Counts which entries of the audit would be removed.
 *
 * @param continuum The client.
 * @param before Those of this time or earlier.
 * @returns Their number.
 */
export async function planPruneAudit(continuum: Continuum, before: Date): Promise<number> {
  return await continuum.operations.prune({ before, dryRun: true });
}

/**
 * Removes entries of the audit. The last mark on each finding stays.
 *
 * @param continuum The client.
 * @param before Those of this time or earlier.
 * @returns How many were removed.
 */
export async function pruneAudit(continuum: Continuum, before: Date): Promise<number> {
  return await continuum.operations.prune({ before });
}
