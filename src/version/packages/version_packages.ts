/**
 * Where the npm packages of one version come from on this machine: from the runtime, which has them
 * in its cache or downloads them, or from the archive.
 *
 * - PACKAGESOURCE-1, order: the runtime is tried first for a package that the application's lock lists as
 *   the version pinned it, and that is in the cache with all below it. The archive is tried first
 *   for any other: the runtime would download it, or resolve other dependencies for it. The archive
 *   alone counts for a package that the lock lists otherwise (PACKAGES-1). A package that may read
 *   its own files comes from the runtime if that can give it, since there it has them.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import {
  externalUnavailable,
  integrityMismatch,
  type LoadError,
  packageNotArchived,
} from "../load_errors.ts";
import type { External, Manifest } from "../manifest/format.ts";
import { parsePackageSpecifier } from "../manifest/package_specifier.ts";
import type { Lockfile } from "../project/lockfile.ts";
import { type ArchivedPackage, openPackage } from "./archived_package.ts";
import { isCached } from "./npm_cache.ts";
import {
  coveredPart,
  keysBelow,
  type PackageList,
  parsePackageList,
  pinnedKey,
} from "./package_list.ts";

/** When the archive is asked for a package: before the runtime, after it, or without it. */
export type ArchiveTurn = "first" | "last" | "only";

/** Where the archive's packages are read. */
export interface PackageArchive {
  /** Whether packages are executed whose files no signature covers (PACKAGELIST-2). */
  readonly isTrusted: boolean;
  /** The list of the version's packages; `null`: it has none. */
  readonly list: () => Promise<string | null>;
  /** Packed files by SHA-256, as far as they are there. */
  readonly blobs: (sha256: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>;
}

/** The packages of a version, as a process hands them to its replay subprocess. */
export interface PackagesMessage {
  /** The text of the list. */
  readonly list: string;
  /** Packed files in base64, by SHA-256. */
  readonly blobs: Readonly<Record<string, string>>;
  /** Whether packages are executed whose files no signature covers. */
  readonly isTrusted: boolean;
  /** When the archive is asked, by specifier. */
  readonly turns: Readonly<Record<string, ArchiveTurn>>;
}

/** The npm packages of one version. */
export class VersionPackages {
  readonly #manifest: Pick<Manifest, "externals">;
  readonly #archive: PackageArchive;
  readonly #turns: ReadonlyMap<string, ArchiveTurn>;
  readonly #lock: Lockfile | undefined;
  #list: Promise<PackageList | null> | undefined;

  private constructor(
    manifest: Pick<Manifest, "externals">,
    archive: PackageArchive,
    turns: ReadonlyMap<string, ArchiveTurn>,
    lock?: Lockfile,
  ) {
    this.#manifest = manifest;
    this.#archive = archive;
    this.#turns = turns;
    this.#lock = lock;
  }

  /**
   * Finds out where the packages of a version come from.
   *
   * @param manifest The version's manifest.
   * @param lock The lock of the application; `undefined`: it has none.
   * @param archive The archive.
   * @returns The packages.
   */
  static async of(
    manifest: Pick<Manifest, "externals">,
    lock: Lockfile | undefined,
    archive: PackageArchive,
  ): Promise<VersionPackages> {
    const turns = new Map<string, ArchiveTurn>();
    for (const external of manifest.externals) {
      if (external.integrity === null) continue;
      turns.set(external.specifier, await turnOf(external, lock));
    }
    return new VersionPackages(manifest, archive, turns, lock);
  }

  /**
   * The packages that another process handed to this one.
   *
   * @param manifest The version's manifest, verified.
   * @param message What it handed over.
   * @returns The packages.
   */
  static received(
    manifest: Pick<Manifest, "externals">,
    { list, blobs, turns, isTrusted }: PackagesMessage,
  ): VersionPackages {
    const archive: PackageArchive = {
      isTrusted,
      list: () => Promise.resolve(list),
      blobs: (sha256) => {
        const found = sha256.filter((digest) => Object.hasOwn(blobs, digest))
          .map((digest) => [digest, Uint8Array.fromBase64(blobs[digest]!)] as const);
        return Promise.resolve(new Map(found));
      },
    };
    return new VersionPackages(manifest, archive, new Map(Object.entries(turns)));
  }

  /** The packages that the archive has, and that are taken from there first. */
  async taken(): Promise<ReadonlySet<string>> {
    const specifiers = [...this.#turns].filter(([, turn]) => turn !== "last");
    if (specifiers.length === 0) return new Set();
    const list = await this.#read();
    const listed = new Set(list?.externals.map(({ specifier }) => specifier));
    return new Set(specifiers.map(([specifier]) => specifier)).intersection(listed);
  }

  /**
   * When the archive is asked for a package.
   *
   * @param specifier A specifier of the manifest.
   * @returns The turn; `undefined`: never, since nothing pins the package's content.
   * @throws {LoadError} (`INTEGRITY_MISMATCH`) When the list of the archive is damaged.
   */
  async turnOf(specifier: string): Promise<ArchiveTurn | undefined> {
    const turn = this.#turns.get(specifier);
    if (turn !== "first") return turn;
    const list = await this.#read();
    const key = list?.externals.find((external) => external.specifier === specifier)?.key;
    if (list === null || key === undefined) return turn;
    const below = keysBelow(list, key);
    return list.readers.some((reader) => below.has(reader)) ? "last" : turn;
  }

  /**
   * Takes a package from the archive. Nothing of it is executed.
   *
   * @param specifier A specifier of the manifest.
   * @returns The package, verified.
   * @throws {LoadError} (`NOT_ARCHIVED`) When the archive does not have it.
   * @throws {LoadError} (`INTEGRITY_MISMATCH`) When what the archive has is not what was pinned.
   */
  async open(specifier: string): Promise<ArchivedPackage> {
    const external = this.#manifest.externals.find((each) => each.specifier === specifier)!;
    const list = await this.#read();
    const key = list === null ? undefined : pinnedKey(list, external); // PACKAGELIST-1
    if (list === null || key === undefined) {
      throw packageNotArchived(specifier, this.#reasonFor(list, specifier));
    }
    const below = keysBelow(list, key);
    const wanted = list.packages.filter((entry) => below.has(entry.key))
      .flatMap(({ sha256 }) => sha256 ?? []);
    return openPackage(list, key, await this.#archive.blobs([...new Set(wanted)]));
  }

  /**
   * The packages that the archive does not have, or has damaged.
   *
   * @returns Each with the reason.
   */
  async missing(): Promise<readonly { readonly specifier: string; readonly reason: string }[]> {
    const packages = this.#manifest.externals.filter(({ specifier }) =>
      parsePackageSpecifier(specifier) !== undefined
    );
    if (packages.length === 0) return [];
    const list = await this.#read();
    const listed = new Set(list?.externals.map(({ specifier }) => specifier));
    const missing: { specifier: string; reason: string }[] = [];
    for (const { specifier } of packages) {
      if (!listed.has(specifier)) {
        missing.push({ specifier, reason: this.#reasonFor(list, specifier) });
        continue;
      }
      try {
        await this.open(specifier);
      } catch (error) {
        if (!isContinuumError(error, "INTEGRITY_MISMATCH")) throw error;
        missing.push({ specifier, reason: error.message });
      }
    }
    return missing;
  }

  /** Whether nothing of what is taken from the archive first is damaged there. */
  async isSound(): Promise<boolean> {
    for (const [specifier, turn] of this.#turns) {
      if (turn === "last") continue;
      try {
        await this.open(specifier);
      } catch (error) {
        if (isContinuumError(error, "INTEGRITY_MISMATCH")) return false;
        if (!isContinuumError(error, "NOT_ARCHIVED")) throw error;
      }
    }
    return true;
  }

  /**
   * Refuses packages that the application's lock lists with another content (PACKAGES-1), and the
   * archive does not have.
   *
   * @throws {LoadError} (`EXTERNAL_UNAVAILABLE`) When there is such a package.
   */
  async check(): Promise<void> {
    for (const { specifier } of this.#manifest.externals) {
      if (this.#turns.get(specifier) !== "only") continue;
      try {
        await this.open(specifier);
      } catch (cause) {
        throw this.otherInLock(specifier, cause);
      }
    }
  }

  /**
   * The application's lock lists a package with another content than the version was pinned with.
   *
   * @param specifier The package.
   * @param cause Why the archive can't give it.
   * @returns The error, with code `EXTERNAL_UNAVAILABLE`.
   */
  otherInLock(specifier: string, cause: unknown): LoadError {
    const parts = parsePackageSpecifier(specifier);
    const found = parts && this.#lock?.find(parts)?.integrity;
    const { integrity } = this.#manifest.externals.find((each) => each.specifier === specifier)!;
    const wanted = String(integrity);
    const { message } = integrityMismatch("its closure in deno.lock", found ?? "another", wanted);
    const why = cause instanceof Error ? `; ${cause.message}` : "";
    return externalUnavailable(specifier, new Error(message + why, { cause }));
  }

  /** What another process needs to take packages from the archive; `null`: it has none. */
  async message(): Promise<PackagesMessage | null> {
    const text = await this.#archive.list();
    if (text === null) return null;
    const { externals, packages, edges } = (await this.#read())!;
    const below = new Set(externals.flatMap(({ key }) => [...keysBelow({ edges }, key)]));
    const wanted = packages.flatMap(({ key, sha256 }) => below.has(key) ? sha256 ?? [] : []);
    const blobs = await this.#archive.blobs([...new Set(wanted)]);
    return {
      list: text,
      blobs: Object.fromEntries([...blobs].map(([sha256, body]) => [sha256, body.toBase64()])),
      isTrusted: this.#archive.isTrusted,
      turns: Object.fromEntries(this.#turns),
    };
  }

  #reasonFor(list: PackageList | null, specifier: string): string {
    if (list === null) return "the version was registered without its packages";
    const known = list.lacks.find((each) => each.specifier === specifier)?.reason;
    return known ?? "the list of the version's packages does not have it";
  }

  #read(): Promise<PackageList | null> {
    return this.#list ??= (async () => {
      const text = await this.#archive.list();
      if (text === null) return null;
      const list = parsePackageList(text);
      return this.#archive.isTrusted ? list : coveredPart(list);
    })();
  }
}

/** PACKAGESOURCE-1 */
async function turnOf(
  { specifier, integrity }: External,
  lock: Lockfile | undefined,
): Promise<ArchiveTurn> {
  const parts = parsePackageSpecifier(specifier);
  const found = parts && lock?.find(parts)?.integrity;
  if (typeof found !== "string") return "first";
  if (found !== integrity) return "only";
  const { packages = [] } = lock?.closureOf({ specifier, integrity }) ?? {};
  for (const [key, { isForPlatform }] of packages) {
    const { name, version } = nameAndVersion(key);
    if (isForPlatform) continue;
    if (!await isCached(name, version)) return "first";
  }
  return "last";
}

/**
 * The name and version of a package by its key in a lock, which may also name peers.
 *
 * @param key The key.
 * @returns Its name, with its scope, and its version.
 */
export function nameAndVersion(key: string): { readonly name: string; readonly version: string } {
  const at = key.indexOf("@", 1);
  return { name: key.slice(0, at), version: key.slice(at + 1).replace(/_.*$/s, "") };
}
