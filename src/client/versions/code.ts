/**
 * Finds code that a caller names: a version of the registry, or modules as they are now.
 *
 * @module
 */

import { isSha256Hex } from "../../base/encoding.ts";
import type { Versions } from "../../version/versions.ts";
import type { FoundVersion } from "../../version/sources.ts";
import { unlessUnavailable } from "../sources.ts";

/** The longest specifier that is accepted, in characters. */
export const MAX_SPECIFIER = 4_096;

/** The methods of the versions that find code. */
export type CodeFinder = Pick<Versions, "inspect" | "read">;

/**
 * Reads code, and runs nothing of it.
 *
 * @param versions Finds it.
 * @param code A version's hash, or the specifier of a workflow module.
 * @param action What the caller needs it for.
 * @returns Its manifest and bytes, verified.
 * @throws {VersionUnavailableError} If a registered version is unavailable. Errors of reading a
 * module graph unchanged.
 */
export async function readCode(
  versions: CodeFinder,
  code: string,
  action: string,
): Promise<FoundVersion> {
  return isSha256Hex(code)
    ? await unlessUnavailable(code, action, () => versions.inspect(code))
    : await versions.read(code);
}
