/**
 * Reads the npm packages of a version, to be archived together with it.
 *
 * @module
 */

import { sha256Hex } from "../../base/encoding.ts";
import { isContinuumError } from "../../base/errors.ts";
import { messageOf } from "../../base/text.ts";
import type { NewPackages } from "../../ports/rows.ts";
import type { VersionStore } from "../../ports/store.ts";
import type { Manifest } from "../manifest/format.ts";
import { parsePackageSpecifier } from "../manifest/package_specifier.ts";
import type { LockedClosure, LockedEntry, Lockfile } from "../project/lockfile.ts";
import { readCached } from "./npm_cache.ts";
import type { NpmRegistry } from "./npm_registry.ts";
import { isLoadable, unfitReason } from "./package_content.ts";
import { type PackageFiles, packFiles } from "./package_files.ts";
import { formatPackageList, type PackageList, parsePackageList } from "./package_list.ts";
import { unpackTarball } from "./tarball.ts";
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
   * The most bytes that the packages of one version may have: of each the loadable files without
   * compression, or its archive file if that is larger. A package beyond that is not archived.
   *
   * @default {67_108_864}
   */
  readonly packageBytes?: number;
  /**
   * Whether it keeps packages as the archive files of their registry, which a process with
   * `trust.keys` executes. They are fetched when a version is registered. One that is unavailable is
   * kept as its files in Deno's cache, which no such process executes.
   *
   * @default {true with `trust.keys`, otherwise false}
   */
  readonly tarballs?: boolean;
}

/** The most bytes of the packages of a version, unless the application sets another limit. */
export const MOST_PACKAGE_BYTES = 64 * 2 ** 20;

/** Where packages are read. */
export interface PackageOrigin {
  /** The most bytes of the packages of a version. */
  readonly mostBytes: number;
  /** Where their archive files are fetched; `undefined`: they are not. */
  readonly registry?: Pick<NpmRegistry, "fetch"> | undefined;
}

/** Packages that were read. */
export interface ReadPackages extends NewPackages {
  /** Those that a lock pins and the archive does not get, each with the reason. */
  readonly lacks: PackageList["lacks"];
  /** The packages whose archive files could not be had, each with the reason. */
  readonly unfetched: ReadonlyMap<string, string>;
}

/**
 * Reads the packages of a version: their archive files from a registry, or their files from the
 * runtime's cache.
 *
 * @param manifest The version's manifest.
 * @param lock The lock of the application; `undefined`: it has none.
 * @param from Where they are read, and the most bytes of all of them together.
 * @param known The list that the archive has; `null`: it has none, or something of it is damaged.
 * @returns The list and the packed files; `null`: there is nothing to add.
 */
export async function readPackages(
  { externals }: Pick<Manifest, "externals">,
  lock: Lockfile | undefined,
  { mostBytes, registry }: PackageOrigin,
  known: PackageList | null,
): Promise<ReadPackages | null> {
  const packages = externals.filter(({ specifier }) => parsePackageSpecifier(specifier));
  const wanting = (list: PackageList) =>
    [list.lacks.length, registry === undefined ? 0 : unverified(list)] as const;
  const [lacking, unfetched] = known === null ? [Infinity, Infinity] : wanting(known);
  if (packages.length === 0 || lacking + unfetched === 0) return null;
  const reader = new Reader(mostBytes, registry);
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
  const [lacks, rest] = wanting(list);
  if (!(lacks < lacking || lacks === lacking && rest < unfetched)) return null;
  const listed = new Set(list.packages.map(({ sha256 }) => sha256));
  const pinned = new Set(packages.filter((e) => e.integrity !== null).map((e) => e.specifier));
  return {
    list: text,
    blobs: new Map([...reader.blobs].filter(([sha256]) => listed.has(sha256))),
    lacks: list.lacks.filter(({ specifier }) => pinned.has(specifier)),
    unfetched: reader.unfetched,
  };
}

/** How many packages of a list are there as files. */
function unverified({ packages }: PackageList): number {
  return packages.filter(({ sha256, isTarball }) => sha256 !== null && !isTarball).length;
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
  | { readonly sha256: string | null; readonly isTarball: boolean; readonly isReader: boolean }
  | { readonly reason: string };

const ELSEWHERE = { sha256: null, isTarball: false, isReader: false } as const;

/** How many archive files are fetched at a time. */
const CONCURRENCY = 8;

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
  readonly #read = new Map<string, Promise<ReadOne>>();
  readonly #registry: PackageOrigin["registry"];
  /** The packages whose archive files could not be had, each with the reason. */
  readonly unfetched = new Map<string, string>();
  #left: number;

  constructor(mostBytes: number, registry: PackageOrigin["registry"]) {
    this.#left = mostBytes;
    this.#registry = registry;
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
    const all = [...packages];
    for (let start = 0; start < all.length; start += CONCURRENCY) {
      const some = all.slice(start, start + CONCURRENCY);
      const reads = await Promise.all(some.map(([key, locked]) => this.#readOnce(key, locked)));
      for (const [index, read] of reads.entries()) {
        if ("reason" in read) return this.lack(specifier, read.reason);
        const [key, { integrity }] = some[index]!;
        found.push({ key, integrity, sha256: read.sha256, isTarball: read.isTarball });
        if (read.isReader) readers.push(key);
      }
    }
    this.#externals.push({ specifier, key: root });
    this.#packages.push(...found);
    this.#readers.push(...readers);
    for (const [from, { dependencies }] of packages) {
      for (const [name, to] of dependencies) this.#edges.push({ from, name, to });
    }
  }

  #readOnce(key: string, locked: LockedEntry): Promise<ReadOne> {
    const { name, version } = nameAndVersion(key);
    const id = `${name}@${version}`;
    let read = this.#read.get(id);
    if (read === undefined) this.#read.set(id, read = this.#readOne(name, version, locked));
    return read;
  }

  async #readOne(name: string, version: string, locked: LockedEntry): Promise<ReadOne> {
    const id = `${name}@${version}`;
    if (this.#registry !== undefined && !locked.isForPlatform) {
      const wanted = { name, version, integrity: locked.integrity, tarball: locked.tarball };
      const fetched = await this.#registry.fetch(wanted, this.#left);
      const read = "reason" in fetched ? fetched : this.#keepTarball(id, fetched.bytes);
      if (!("reason" in read)) return read;
      this.unfetched.set(id, read.reason);
    }
    const cached = await readCached(name, version, this.#left);
    if ("reason" in cached) {
      return cached.isAbsent === true && locked.isForPlatform ? ELSEWHERE : cached;
    }
    if (locked.isForPlatform) return { reason: `${id} is for certain platforms alone` };
    return this.#keep(id, packFiles(cached.files), cached.files, false);
  }

  #keepTarball(id: string, tarball: Uint8Array): ReadOne {
    let files: PackageFiles;
    try {
      files = unpackTarball(tarball, isLoadable, this.#left);
    } catch (error) {
      return { reason: `the archive file of ${id} can't be used: ${messageOf(error)}` };
    }
    const reason = unfitReason(id, files.keys());
    return reason === undefined ? this.#keep(id, tarball, files, true) : { reason };
  }

  #keep(id: string, blob: Uint8Array, files: PackageFiles, isTarball: boolean): ReadOne {
    const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    const counted = isTarball ? Math.max(bytes, blob.length) : bytes;
    if (counted > this.#left) {
      return { reason: `${id} would exceed the limit of the archive for packages` };
    }
    this.#left -= counted;
    const sha256 = sha256Hex(blob);
    this.blobs.set(sha256, blob);
    return { sha256, isTarball, isReader: mayReadFiles(files) };
  }
}
