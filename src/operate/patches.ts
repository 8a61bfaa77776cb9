/**
 * The patches of a workflow, as plain JSON.
 *
 * @module
 */

import type { PatchesOptions, PatchReport } from "../client/versions/patches.ts";
import type { Continuum } from "../continuum.ts";
import { isContinuumError } from "../base/errors.ts";
import { type Plain, plain } from "./plain.ts";
import { wholeHash } from "./versions.ts";

/** The patches of a workflow, and who needs them. */
export type PatchesReport = Plain<PatchReport>;

/**
 * Finds the patches of a workflow.
 *
 * @param client The client.
 * @param text The workflow's name, or at least four digits of a version's hash.
 * @param options How many runs are examined.
 * @throws {VersionNotFoundError} If there is no such workflow or version.
 */
export async function patchesOf(
  client: Continuum,
  text: string,
  options: PatchesOptions = {},
): Promise<PatchesReport> {
  try {
    return plain(await client.versions.patches(text, options));
  } catch (error) {
    if (!isContinuumError(error, "VERSION_NOT_FOUND")) throw error;
    const hash = await wholeHash(client, text);
    if (hash === text) throw error;
    return plain(await client.versions.patches(hash, options));
  }
}
