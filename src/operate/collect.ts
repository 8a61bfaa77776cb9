/**
 * Removes old versions, after a plan that says which.
 *
 * @module
 */

import type { VersionGc, VersionGcOptions } from "../client/versions/gc.ts";
import type { Continuum } from "../continuum.ts";
import { type Plain, plain } from "./plain.ts";

/** Which versions to remove; `before` is the same for the plan and for the removal. */
export type CollectRequest =
  & Omit<VersionGcOptions, "dryRun" | "olderThan" | "before">
  & Required<Pick<VersionGcOptions, "before">>;

/** What is removed, or would be. */
export type CollectReport = Plain<VersionGc>;

/**
 * Says what would be removed.
 *
 * @param client The client.
 * @param request Which versions.
 * @throws {InvalidArgumentError} If an option is invalid.
 */
export async function planCollect(
  client: Continuum,
  request: CollectRequest,
): Promise<CollectReport> {
  return plain(await client.versions.gc({ ...request, dryRun: true }));
}

/**
 * Removes versions.
 *
 * @param client The client.
 * @param request Which versions.
 * @throws {InvalidArgumentError} If an option is invalid.
 */
export async function collectVersions(
  client: Continuum,
  request: CollectRequest,
): Promise<CollectReport> {
  return plain(await client.versions.gc(request));
}
