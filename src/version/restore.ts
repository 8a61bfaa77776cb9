/**
 * Registers versions again that a collection of old versions removed while this process still uses
 * them.
 *
 * - RESTORE-1: a version comes back with its bytes, or not at all: a run that starts on it must
 *   survive this process. It does not become current by coming back.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import type { NewPackages, NewVersion, VersionRow } from "../ports/rows.ts";
import type { VersionStore } from "../ports/store.ts";
import { contractOf } from "./definition.ts";
import { loadFailure } from "./load_errors.ts";
import type { OwnVersion } from "./loaded_version.ts";
import type { VerifiedManifest } from "./manifest/verified.ts";
import type { FoundVersion, Sources } from "./sources.ts";

/** The dependencies of {@linkcode restore}. */
export interface RestoreContext {
  /** The registry and the archive. */
  readonly store: VersionStore;
  /** Finds the bytes. */
  readonly sources: Pick<Sources, "inspect">;
  /** Whether bytes are kept in the database. */
  readonly isArchiving: boolean;
  /** The npm packages of a version that the archive lacks, and this process can add. */
  readonly packages: (manifest: VerifiedManifest) => Promise<NewPackages | null>;
  /** The version, if this process registered it. */
  readonly own: OwnVersion | undefined;
}

/**
 * Pins something to versions, and repeats that after versions which were removed have been registered
 * again.
 *
 * @param pin Pins something; repeating it must do no harm if the database refused it.
 * @param restore Registers a version again.
 * @param isRepeatable Whether to repeat it; otherwise the refusal is thrown in any case.
 * @returns Its result.
 */
export async function pinRestoring<T>(
  pin: () => Promise<T>,
  restore: (hash: string) => Promise<void>,
  isRepeatable: boolean,
): Promise<T> {
  try {
    return await pin();
  } catch (error) {
    if (!isContinuumError(error, "VERSION_NOT_REGISTERED")) throw error;
    for (const hash of error.details.hashes) await restore(hash);
    if (!isRepeatable) throw error;
  }
  return await pin();
}

/**
 * Registers a version again, if the registry or this process knows it, and its bytes were removed.
 *
 * @param hash The version.
 * @param context The dependencies.
 * @throws {VersionUnavailableError} When no source has its bytes.
 */
export async function restore(
  hash: string,
  { store, sources, isArchiving, packages, own }: RestoreContext,
): Promise<void> {
  const row = await store.get(hash);
  if (row === null && own === undefined || row !== null && row.collectedAt === null) return;
  const known = row ?? rowOf(own!);
  const found = await sources.inspect(known, store);
  if (Array.isArray(found)) throw loadFailure(hash, found); // RESTORE-1
  await store.register({
    ...again(known, found, isArchiving),
    packages: await packages(found.manifest),
  });
}

function again(
  { hash, workflow, label, contract, isOwnRight }: VersionRow,
  { manifest, bytes, specifier }: FoundVersion,
  isArchiving: boolean,
): NewVersion {
  return {
    ...{ hash, workflow, label, contract, specifier },
    manifest: manifest.text,
    blobs: isArchiving ? bytes : null,
    ...(isOwnRight ? { isAgain: true } : { isStart: true }),
  };
}

/** The row as it was before it was removed. */
function rowOf(own: OwnVersion): VersionRow {
  const { hash, definition, manifest, specifier } = own;
  return {
    hash,
    workflow: definition.name,
    label: definition.version,
    manifest,
    contract: contractOf(definition),
    archived: false,
    collectedAt: null,
    specifiers: [specifier],
    isOwnRight: true,
    loadCrashes: 0,
    registeredAt: 0,
  };
}
