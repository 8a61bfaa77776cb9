/**
 * The list of the packages that a version has in the archive: one canonical text.
 *
 * - PACKAGELIST-1, pinned: the packages of an import are those that the version's manifest pins. What
 *   the list says of their keys, integrities, platforms and of what they mean by names gives the
 *   integrity of the closure that the manifest has (CLOSURE-1 of `project/closure.ts`).
 * - PACKAGELIST-2, whose files: of a package whose archive file was stored, the integrity covers the
 *   bytes, and with it the version's hash and every signature over it. The files of any other are
 *   attested by the node that archived them: it read them from the runtime's cache, where the runtime
 *   had verified them when it downloaded them. The list names their SHA-256, and is itself protected
 *   like the pointer to a current version: by who may write the database. A process that requires
 *   signatures executes the former alone ({@linkcode coveredPart}, SIGNED-1).
 *
 * @module
 */

import { decodeWord, encodeWord, isSha256Hex, sha256Hex } from "../../base/encoding.ts";
import { integrityMismatch } from "../load_errors.ts";
import type { External } from "../manifest/format.ts";
import { closureIntegrity, type ClosurePackage } from "../project/closure.ts";

/** The packages of a version in the archive. */
export interface PackageList {
  /** What the version imports, and the key of the package that it means. */
  readonly externals: readonly { readonly specifier: string; readonly key: string }[];
  /** The packages. */
  readonly packages: readonly {
    /** The key in the lock. */
    readonly key: string;
    /** The integrity there. */
    readonly integrity: string;
    /**
     * The SHA-256 of what the archive has: the registry's archive file, or packed files. `null`: it
     * is for another platform than was seen.
     */
    readonly sha256: string | null;
    /** Whether the archive has the registry's archive file, which the integrity covers. */
    readonly isTarball: boolean;
  }[];
  /** Which package a package means by a name. */
  readonly edges: readonly { readonly from: string; readonly name: string; readonly to: string }[];
  /** The keys of packages that may read files of their own, which they have in a cache alone. */
  readonly readers: readonly string[];
  /** What the version imports and the archive does not have, each with the reason. */
  readonly lacks: readonly { readonly specifier: string; readonly reason: string }[];
}

const HEADER = "continuum-packages 1";

/**
 * Writes a list.
 *
 * @param list The list, in any order.
 * @returns Its text.
 */
export function formatPackageList(list: PackageList): string {
  const line = (...words: string[]) => words.map(encodeWord).join(" ");
  const lines = [
    ...list.externals.map(({ specifier, key }) => line("external", specifier, key)),
    ...list.packages.map(({ key, integrity, sha256, isTarball }) =>
      line(isTarball ? "tarball" : "package", key, integrity, sha256 ?? "-")
    ),
    ...list.edges.map(({ from, name, to }) => line("edge", from, name, to)),
    ...list.readers.map((key) => line("reader", key)),
    ...list.lacks.map(({ specifier, reason }) => line("lacks", specifier, reason)),
  ];
  return [HEADER, ...[...new Set(lines)].sort()].map((text) => `${text}\n`).join("");
}

/**
 * Reads a list that comes from outside of this process.
 *
 * @param text The text.
 * @returns The list.
 * @throws {LoadError} (`INTEGRITY_MISMATCH`) When it is not a list as this package writes it.
 */
export function parsePackageList(text: string): PackageList {
  const list = readLines(text);
  if (list === undefined || formatPackageList(list) !== text) {
    throw integrityMismatch(
      "the list of archived packages",
      `a text of SHA-256 ${sha256Hex(text)}`,
      "a list as this package writes it",
    );
  }
  return list;
}

function readLines(text: string): PackageList | undefined {
  const [header, ...lines] = text.split("\n");
  if (header !== HEADER || lines.pop() !== "") return undefined;
  const externals: PackageList["externals"][number][] = [];
  const packages: PackageList["packages"][number][] = [];
  const edges: PackageList["edges"][number][] = [];
  const lacks: PackageList["lacks"][number][] = [];
  const readers: string[] = [];
  for (const line of lines) {
    let words: string[];
    try {
      words = line.split(" ").map(decodeWord);
    } catch {
      return undefined;
    }
    const [kind, a, b, c] = words;
    const isPackage = kind === "package" || kind === "tarball";
    const count = isPackage || kind === "edge" ? 4 : kind === "reader" ? 2 : 3;
    if (words.length !== count) return undefined;
    if (kind === "external") externals.push({ specifier: a!, key: b! });
    else if (kind === "reader") readers.push(a!);
    else if (kind === "lacks") lacks.push({ specifier: a!, reason: b! });
    else if (kind === "edge") edges.push({ from: a!, name: b!, to: c! });
    else if (isPackage && (c === "-" && kind === "package" || isSha256Hex(c!))) {
      const sha256 = c === "-" ? null : c!;
      packages.push({ key: a!, integrity: b!, sha256, isTarball: kind === "tarball" });
    } else return undefined;
  }
  const isUnique = isUniqueBy(externals, ({ specifier }) => specifier) &&
    isUniqueBy(packages, ({ key }) => key) &&
    isUniqueBy(edges, ({ from, name }) => JSON.stringify([from, name]));
  return isUnique ? { externals, packages, edges, readers, lacks } : undefined;
}

/** One reader of a list would otherwise take the first of two, and another one the last. */
function isUniqueBy<Thing>(things: readonly Thing[], keyOf: (thing: Thing) => string): boolean {
  return new Set(things.map(keyOf)).size === things.length;
}

/**
 * The keys of a package and of all packages below it in a list.
 *
 * @param list The list.
 * @param key The package.
 * @returns The keys, in no particular order.
 */
export function keysBelow({ edges }: Pick<PackageList, "edges">, key: string): ReadonlySet<string> {
  const keys = new Set([key]);
  for (const at of keys) for (const { from, to } of edges) if (from === at) keys.add(to);
  return keys;
}

/**
 * Refuses a list whose packages are not those that a manifest pins for an import (PACKAGELIST-1).
 *
 * @param list The list.
 * @param external The import, as the manifest has it.
 * @returns The key of its package; `undefined`: the list does not have it.
 * @throws {LoadError} (`INTEGRITY_MISMATCH`) When the packages are others.
 */
export function pinnedKey(
  list: PackageList,
  { specifier, integrity }: External,
): string | undefined {
  const key = list.externals.find((external) => external.specifier === specifier)?.key;
  if (key === undefined) return undefined;
  const found = integrityOf(list, key);
  if (found !== integrity) {
    throw integrityMismatch(
      `the archived packages of ${specifier}`,
      found ?? "a list that lacks some",
      String(integrity),
    );
  }
  return key;
}

/**
 * What of a list is covered by the version's hash to the last byte (PACKAGELIST-2).
 *
 * @param list The list.
 * @returns The same, with a reason for each import that is not.
 */
export function coveredPart(list: PackageList): PackageList {
  const attested = new Set(
    list.packages.filter(({ sha256, isTarball }) => sha256 !== null && !isTarball)
      .map(({ key }) => key),
  );
  const lacks: PackageList["lacks"][number][] = [...list.lacks];
  const externals = list.externals.filter(({ specifier, key }) => {
    const [found] = keysBelow(list, key).intersection(attested);
    if (found === undefined) return true;
    const reason = `trust.keys is set, and the archive has files of ${found} that no signature ` +
      "covers, in place of the archive file of its registry";
    lacks.push({ specifier, reason });
    return false;
  });
  return { ...list, externals, lacks };
}

/** The integrity of a package and all below it in a list; `null`: the list lacks one of them. */
function integrityOf({ packages, edges }: PackageList, key: string): string | null {
  const known = new Map(packages.map((entry) => [entry.key, entry]));
  const closure: ClosurePackage[] = [];
  for (const below of keysBelow({ edges }, key)) {
    const entry = known.get(below);
    if (entry === undefined) return null;
    const own = edges.filter(({ from }) => from === below);
    closure.push({
      id: `npm:${below}`,
      integrity: entry.integrity,
      isForPlatform: entry.sha256 === null,
      dependencies: new Map(own.map(({ name, to }) => [name, `npm:${to}`])),
    });
  }
  const [root, ...others] = closure;
  return closureIntegrity(root!, others);
}
