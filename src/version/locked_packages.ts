/**
 * The packages of a version, by the lock of the application that runs here.
 *
 * - PACKAGES-1: a version is not executed with other packages than those that it was pinned with, as
 *   far as the application's lock lists them. A package that the lock does not list is accepted at
 *   its exact version.
 *
 * @module
 */

import { externalUnavailable, integrityMismatch } from "./load_errors.ts";
import type { Manifest } from "./manifest/format.ts";
import { parsePackageSpecifier } from "./manifest/package_specifier.ts";
import type { Application } from "./project/application.ts";
import { readProject } from "./project/config.ts";
import type { Lockfile } from "./project/lockfile.ts";

/**
 * Reads the lock of an application.
 *
 * @param application The application.
 * @param config A config file; by default the nearest above its main module.
 * @returns The lock; `undefined`: it has none.
 * @throws {GraphError} (`CONFIG_INVALID`) When a config file or the lock can't be read.
 */
export async function readLock(
  { root }: Application,
  config?: string,
): Promise<Lockfile | undefined> {
  return (await readProject(`${root}main.ts`, config)).lock;
}

/**
 * Refuses packages that differ from those that a version was pinned with (PACKAGES-1).
 *
 * @param content The version's manifest.
 * @param lock The lock of the application; `undefined`: it has none.
 * @throws {LoadError} (`EXTERNAL_UNAVAILABLE`) When a package differs.
 */
export function refuseOtherPackages(
  { externals }: Pick<Manifest, "externals">,
  lock: Lockfile | undefined,
): void {
  for (const { specifier, integrity } of externals) {
    const parts = integrity === null ? undefined : parsePackageSpecifier(specifier);
    const found = parts && lock?.find(parts)?.integrity;
    if (typeof found !== "string" || found === integrity) continue;
    throw externalUnavailable(
      specifier,
      integrityMismatch("its closure in deno.lock", found, String(integrity)),
    );
  }
}
