/**
 * Reads the npm packages of a version, to be archived together with it.
 *
 * @module
 */

import { sha256Hex } from "../../base/encoding.ts";
import { isContinuumError } from "../../base/errors.ts";
import type { NewPackages } from "../../ports/rows.ts";
import type { VersionStore } from "../../ports/store.ts";
import type { Manifest } from "../manifest/format.ts";
import { parsePackageSpecifier } from "../manifest/package_specifier.ts";
import type { LockedClosure, Lockfile } from "../project/lockfile.ts";
import { readCached } from "./npm_cache.ts";
import { type PackageFiles, packFiles } from "./package_files.ts";
import { formatPackageList, type PackageList, parsePackageList } from "./package_list.ts";
import { nameAndVersion } from "./version_packages.ts";

/**
 * What the archive keeps.
 *
 * @category Engine
 */
export interface ArchiveOptions {
  /**
   * Whether it keeps the npm packages of versions.
   *
   * @default {true}
   */
  readonly packages?: boolean;
  /**
   * The most bytes that the packages of one version may have, uncompressed. A package beyond that is
   * not archived.
   *
   * @default {67_108_864}
   */
  readonly packageBytes?: number;
}

/** The most bytes of the packages of a version, unless the application sets another limit. */
export const MOST_PACKAGE_BYTES = 64 * 2 ** 20;

/** Packages that were read. */
export interface ReadPackages extends NewPackages {
  /** Those that a lock pins and the archive does not get, each with the reason. */
  readonly lacks: PackageList["lacks"];
}

/**
 * Reads the packages of a version from the runtime's cache.
 *
 * @param manifest The version's manifest.
 * @param lock The lock of the application; `undefined`: it has none.
 * @param mostBytes The most bytes of all of them together.
 * @param known The list that the archive has; `null`: it has none, or something of it is damaged.
 * @returns The list and the packed files; `null`: there is nothing to add.
 */
export async function readPackages(
  { externals }: Pick<Manifest, "externals">,
  lock: Lockfile | undefined,
  mostBytes: number,
  known: PackageList | null,
): Promise<ReadPackages | null> {
  const packages = externals.filter(({ specifier }) => parsePackageSpecifier(specifier));
  if (packages.length === 0 || known !== null && known.lacks.length === 0) return null;
  const reader = new Reader(mostBytes);
  for (const external of packages) {
    const { specifier, integrity } = external;
    const closure = lock?.closureOf(external);
    if (specifier.startsWith("jsr:")) reader.lack(specifier, "JSR packages are not archived");
    else if (integrity === null) reader.lack(specifier, "no lock pins its content");
    else if (closure === undefined) reader.lack(specifier, "deno.lock does not list what it pins");
    else await reader.add(specifier, closure);
  }
  const { list } = reader;
  const text = formatPackageList(list);
  const isBetter = known === null || list.lacks.length < known.lacks.length;
  if (!isBetter) return null;
  const listed = new Set(list.packages.map(({ sha256 }) => sha256));
  const pinned = new Set(packages.filter((e) => e.integrity !== null).map((e) => e.specifier));
  return {
    list: text,
    blobs: new Map([...reader.blobs].filter(([sha256]) => listed.has(sha256))),
    lacks: list.lacks.filter(({ specifier }) => pinned.has(specifier)),
  };
}

/** Whether a version imports npm or JSR packages. */
export function hasPackages({ externals }: Pick<Manifest, "externals">): boolean {
  return externals.some(({ specifier }) => parsePackageSpecifier(specifier) !== undefined);
}

/**
 * The list that the archive has of a version's packages.
 *
 * @param hash The version.
 * @param store The archive.
 * @returns The list; `null`: there is none, or it or a package of it is damaged (CATALOG-2).
 */
export async function knownPackages(
  hash: string,
  store: Pick<VersionStore, "packages" | "sound">,
): Promise<PackageList | null> {
  const text = await store.packages(hash);
  if (text === null) return null;
  try {
    const list = parsePackageList(text);
    const wanted = new Set(list.packages.flatMap(({ sha256 }) => sha256 ?? []));
    return wanted.isSubsetOf(await store.sound([...wanted])) ? list : null;
  } catch (error) {
    if (!isContinuumError(error, "INTEGRITY_MISMATCH")) throw error;
    return null;
  }
}

/** Whether code of a package may find its own files by where it is. */
function mayReadFiles(files: PackageFiles): boolean {
  const decoder = new TextDecoder();
  return [...files].some(([path, bytes]) =>
    /\.[cm]?js$/.test(path) &&
    /\b(?:__dirname|__filename|createRequire)\b|\bimport\.meta\.(?:url|dirname|filename|resolve)\b/
      .test(decoder.decode(bytes))
  );
}

/** What was read of a package, or why it can't be archived. */
type ReadOne =
  | { readonly sha256: string | null; readonly isReader: boolean }
  | { readonly reason: string };

/** Reads closures; each package once. */
class Reader {
  /** Packed files by SHA-256. */
  readonly blobs = new Map<string, Uint8Array>();
  readonly #externals: PackageList["externals"][number][] = [];
  readonly #packages: PackageList["packages"][number][] = [];
  readonly #edges: PackageList["edges"][number][] = [];
  readonly #readers: string[] = [];
  readonly #lacks: PackageList["lacks"][number][] = [];
  /** The SHA-256 by the name and version of a package, `null` for another platform's, or a reason. */
  readonly #read = new Map<string, ReadOne>();
  #left: number;

  constructor(mostBytes: number) {
    this.#left = mostBytes;
  }

  /** All that was read. */
  get list(): PackageList {
    return {
      externals: this.#externals,
      packages: this.#packages,
      edges: this.#edges,
      readers: this.#readers,
      lacks: this.#lacks,
    };
  }

  /** Notes that an import has no package in the archive. */
  lack(specifier: string, reason: string): void {
    this.#lacks.push({ specifier, reason });
  }

  /** Reads the packages of an import: all of them, or none counts. */
  async add(specifier: string, { key: root, packages }: LockedClosure): Promise<void> {
    const found: PackageList["packages"][number][] = [];
    const readers: string[] = [];
    for (const [key, { integrity, isForPlatform }] of packages) {
      const read = await this.#readOne(key, isForPlatform);
      if ("reason" in read) return this.lack(specifier, read.reason);
      found.push({ key, integrity, sha256: read.sha256 });
      if (read.isReader) readers.push(key);
    }
    this.#externals.push({ specifier, key: root });
    this.#packages.push(...found);
    this.#readers.push(...readers);
    for (const [from, { dependencies }] of packages) {
      for (const [name, to] of dependencies) this.#edges.push({ from, name, to });
    }
  }

  async #readOne(
    key: string,
    isForPlatform: boolean,
  ): Promise<ReadOne> {
    const { name, version } = nameAndVersion(key);
    const known = this.#read.get(`${name}@${version}`);
    if (known !== undefined) return known;
    const cached = await readCached(name, version, this.#left);
    let read: ReadOne;
    if ("reason" in cached) {
      const isElsewhere = cached.isAbsent === true && isForPlatform;
      read = isElsewhere ? { sha256: null, isReader: false } : cached;
    } else if (isForPlatform) {
      read = { reason: `${name}@${version} is for certain platforms alone` };
    } else {
      const blob = packFiles(cached.files);
      const sha256 = sha256Hex(blob);
      this.#left -= cached.bytes;
      this.blobs.set(sha256, blob);
      read = { sha256, isReader: mayReadFiles(cached.files) };
    }
    this.#read.set(`${name}@${version}`, read);
    return read;
  }
}
