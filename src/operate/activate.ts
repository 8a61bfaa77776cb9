/**
 * Makes a version current.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords, quote } from "../base/describe.ts";
import { shortHash } from "../base/text.ts";
import type { Continuum } from "../continuum.ts";
import { VersionNotFoundError } from "../version/load_errors.ts";

/** A version that was made current. */
export interface Activation {
  /** The workflow's name. */
  readonly workflow: string;
  /** The version's hash. */
  readonly version: string;
  /** The version that was current before; `null`: none was. */
  readonly before: string | null;
}

/**
 * Makes a version current: starts by the workflow's name take it. Runs stay on their versions.
 *
 * @param continuum The client.
 * @param workflow The workflow's name.
 * @param prefix The version's hash, or the beginning of it.
 * @param plan Called with what will change, before it does; it may throw.
 * @returns What was changed.
 * @throws {VersionNotFoundError} If the workflow does not have this version.
 * @throws {InvalidArgumentError} If several versions begin with the prefix.
 */
export async function activateVersion(
  continuum: Continuum,
  workflow: string,
  prefix: string,
  plan: (lines: readonly string[]) => void = () => {},
): Promise<Activation> {
  const digits = prefix.toLowerCase();
  const { versions: found } = /^[0-9a-f]{1,64}$/.test(digits)
    ? await continuum.versions.list({ workflow, hash: digits })
    : { versions: [] };
  if (found.length === 0) {
    throw new VersionNotFoundError(prefix, `activate a version of workflow ${quote(workflow)}`);
  }
  if (found.length > 1) {
    const hashes = found.map(({ hash }) => shortHash(hash)).join(", ");
    const many = inWords(`${quote(prefix)}, with which several begin: ${hashes}`);
    refuse("the hash of a version", many, "more digits");
  }
  const version = found[0]!.hash;
  const { versions: [current] } = await continuum.versions.list({ workflow, current: true });
  const before = current?.hash ?? null;
  plan([
    `starts of ${workflow} take version ${shortHash(version)}, now ${
      before === null ? "none" : shortHash(before)
    }`,
    "runs that exist stay on their versions",
  ]);
  await continuum.versions.activate(workflow, version);
  return { workflow, version, before };
}
