/**
 * Packages from the archive in the memory of a process.
 *
 * - PACKAGEINSTANCE-1, one instance: a package is one instance in a process for all versions that mean the
 *   same files by it and by every name below it. Two versions that mean different files get two.
 *
 * @module
 */

import { sha256Hex } from "../../base/encoding.ts";
import { integrityMismatch } from "../load_errors.ts";
import { decodeText } from "../imports/scan.ts";
import { keysBelow, type PackageList } from "./package_list.ts";
import { integrityOf } from "./npm_registry.ts";
import { isLoadable } from "./package_content.ts";
import { type PackageFiles, unpackFiles } from "./package_files.ts";
import { MOST_TAR_BYTES, unpackTarball } from "./tarball.ts";

/** With what the URLs of modules of archived packages begin. */
export const PACKAGE_SCHEME = "continuum-npm:///";

/** What is read of a `package.json`. */
export interface PackageJson {
  /** The name. */
  readonly name?: unknown;
  /** The version. */
  readonly version?: unknown;
  /** What it calls its scripts with `module` or `commonjs`. */
  readonly type?: unknown;
  /** Its entry, where `exports` has none. */
  readonly main?: unknown;
  /** Its entries. */
  readonly exports?: unknown;
  /** Its private names. */
  readonly imports?: unknown;
}

/** A package. */
export class ArchivedPackage {
  /** Its key in the lock. */
  readonly key: string;
  /** Its files. */
  readonly files: PackageFiles;
  /** With what the URLs of its modules begin; it ends with a slash. */
  readonly base: string;
  readonly #dependencies = new Map<string, ArchivedPackage>();
  readonly #json = new Map<string, Readonly<Record<string, unknown>> | undefined>();

  /**
   * Makes a package without dependencies.
   *
   * @param key Its key in the lock.
   * @param files Its files.
   * @param id What distinguishes it from packages with other files, or other packages below it.
   */
  constructor(key: string, files: PackageFiles, id: string) {
    this.key = key;
    this.files = files;
    this.base = `${PACKAGE_SCHEME}${id}/${key}/`;
  }

  /** What its `package.json` says. */
  get manifest(): PackageJson {
    return this.json("package.json") ?? {};
  }

  /** Its name. */
  get name(): string {
    return this.key.slice(0, this.key.indexOf("@", 1));
  }

  /**
   * Lets a name mean a package.
   *
   * @param name The name in its requests.
   * @param to The package.
   */
  link(name: string, to: ArchivedPackage): void {
    this.#dependencies.set(name, to);
  }

  /** The package that it means by a name; `undefined`: it has no such dependency. */
  dependency(name: string): ArchivedPackage | undefined {
    return this.#dependencies.get(name);
  }

  /** The packages that it means by names. */
  get dependencies(): Iterable<ArchivedPackage> {
    return this.#dependencies.values();
  }

  /**
   * The text of a file.
   *
   * @param path The path of a file that it has.
   * @returns The text, without a byte order mark.
   */
  text(path: string): string {
    return decodeText(this.files.get(path)!);
  }

  /** The object in a JSON file; `undefined`: there is no such file, or it has no object. */
  json(path: string): Readonly<Record<string, unknown>> | undefined {
    if (!this.#json.has(path)) {
      let value: unknown;
      try {
        value = this.files.has(path) ? JSON.parse(this.text(path)) : undefined;
      } catch {
        // It is not JSON.
      }
      const isObject = typeof value === "object" && value !== null;
      this.#json.set(path, isObject ? value as Readonly<Record<string, unknown>> : undefined);
    }
    return this.#json.get(path);
  }

  /** What the nearest `package.json` of a file says of its `type`. */
  typeAt(path: string): unknown {
    for (let folder = path;;) {
      const at = folder.lastIndexOf("/");
      folder = at < 0 ? "" : folder.slice(0, at);
      const found = this.json(folder === "" ? "package.json" : `${folder}/package.json`);
      if (found !== undefined || folder === "") return found?.["type"];
    }
  }

  /** The URL of a file. */
  urlOf(path: string): string {
    return this.base + path.split("/").map(encodeURIComponent).join("/");
  }
}

/** The packages of this process, by what distinguishes them (PACKAGEINSTANCE-1). */
const PACKAGES = new Map<string, ArchivedPackage>();
/** The same by the beginning of their URLs, also those that are not imported anew any more. */
const BY_BASE = new Map<string, ArchivedPackage>();
/** How often modules of a package could not be imported: another attempt takes other URLs. */
const FAILURES = new Map<string, number>();

/**
 * Makes the packages of an import from the archive. Nothing of them is executed.
 *
 * @param list The list of the version's packages, checked against its manifest (PACKAGELIST-1).
 * @param key The key of the package that is imported.
 * @param blobs The packed files by SHA-256, as far as the archive has them.
 * @returns The package.
 * @throws {LoadError} (`INTEGRITY_MISMATCH`) When a blob is missing, or has another SHA-256 than
 * the list says.
 */
export function openPackage(
  list: PackageList,
  key: string,
  blobs: ReadonlyMap<string, Uint8Array>,
): ArchivedPackage {
  const below = keysBelow(list, key);
  const edges = list.edges.filter(({ from }) => below.has(from));
  const opened = new Map<string, ArchivedPackage>();
  const fresh: ArchivedPackage[] = [];
  for (const each of below) {
    if (list.packages.find(({ key }) => key === each)?.sha256 === null) continue;
    const id = idOf(list, each);
    let found = PACKAGES.get(id);
    if (found === undefined) {
      const count = FAILURES.get(id) ?? 0;
      found = new ArchivedPackage(
        each,
        filesOf(list, each, blobs),
        count === 0 ? id : `${id}~${count + 1}`,
      );
      PACKAGES.set(id, found);
      BY_BASE.set(baseOf(found.base), found);
      fresh.push(found);
    }
    opened.set(each, found);
  }
  for (const { from, name, to } of edges) {
    const [importer, target] = [opened.get(from), opened.get(to)];
    if (importer === undefined || target === undefined || !fresh.includes(importer)) continue;
    importer.link(name, target);
  }
  return opened.get(key)!;
}

/**
 * Finds the package of a URL.
 *
 * @param url The URL of a module.
 * @returns The package; `undefined`: it is of no archived package of this process.
 */
export function packageAt(url: string): ArchivedPackage | undefined {
  const found = BY_BASE.get(baseOf(url));
  return found !== undefined && url.startsWith(found.base) ? found : undefined;
}

/** What of a URL distinguishes packages. */
function baseOf(url: string): string {
  return url.slice(0, url.indexOf("/", PACKAGE_SCHEME.length));
}

/**
 * The path of a module in its package.
 *
 * @param from The package.
 * @param url The URL of the module.
 * @returns The path.
 */
export function pathOf(from: ArchivedPackage, url: string): string {
  const path = url.slice(from.base.length).replace(/\?.*$/s, "");
  return path.split("/").map(decodeURIComponent).join("/");
}

/**
 * Forgets a package whose import failed, and all packages below it: the runtime keeps failed
 * imports, so the next attempt takes other URLs.
 *
 * @param failed The package.
 */
export function forgetPackage(failed: ArchivedPackage): void {
  const seen = new Set([failed]);
  for (const each of seen) {
    for (const below of each.dependencies) seen.add(below);
  }
  for (const [id, known] of PACKAGES) {
    if (!seen.has(known)) continue;
    PACKAGES.delete(id);
    FAILURES.set(id, (FAILURES.get(id) ?? 0) + 1);
  }
}

/** PACKAGEINSTANCE-1: a digest of all that the package's modules may reach. */
function idOf(list: PackageList, key: string): string {
  const below = keysBelow(list, key);
  const lines = [
    ...list.packages.filter((entry) => below.has(entry.key))
      .map(({ key, integrity, sha256 }) => JSON.stringify([key, integrity, sha256])),
    ...list.edges.filter(({ from }) => below.has(from))
      .map(({ from, name, to }) => JSON.stringify([from, name, to])),
  ];
  return sha256Hex([key, ...lines.sort()].join("\n")).slice(0, 32);
}

/** PACKAGELIST-2 */
function filesOf(
  list: PackageList,
  key: string,
  blobs: ReadonlyMap<string, Uint8Array>,
): PackageFiles {
  const entry = list.packages.find((entry) => entry.key === key);
  const sha256 = entry?.sha256 ?? "a listed package";
  const blob = blobs.get(sha256);
  const found = blob && sha256Hex(blob);
  if (entry === undefined || blob === undefined || found !== sha256) {
    throw integrityMismatch(`the archived files of ${key}`, found, sha256);
  }
  if (!entry.isTarball) return unpackFiles(blob);
  const integrity = integrityOf(blob);
  if (integrity !== entry.integrity) {
    throw integrityMismatch(`the archive file of ${key}`, integrity, entry.integrity);
  }
  return unpackTarball(blob, isLoadable, MOST_TAR_BYTES);
}
