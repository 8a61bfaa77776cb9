/**
 * The list of the packages that a version has in the archive: one canonical text.
 *
 * - PACKAGELIST-1, pinned: the packages of an import are those that the version's manifest pins. Their
 *   keys and integrities in the lock give the digest of the closure that the manifest has.
 * - PACKAGELIST-2, attested: which files a package has is attested by the node that archived it. It
 *   read them from the runtime's cache, where the runtime had verified them against the lock when
 *   it downloaded them. The list names the SHA-256 of them all, and the list itself is protected
 *   like the pointer to a current version: by who may write the database. A process that requires
 *   signatures executes no archived package, since a signature covers the hash alone (SIGNED-1).
 *
 * @module
 */

import { decodeWord, encodeWord, isSha256Hex, sha256Hex } from "../../base/encoding.ts";
import { integrityMismatch } from "../load_errors.ts";
import type { External } from "../manifest/format.ts";

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
    /** The SHA-256 of the packed files; `null`: it is for another platform than was seen. */
    readonly sha256: string | null;
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
    ...list.packages.map(({ key, integrity, sha256 }) =>
      line("package", key, integrity, sha256 ?? "-")
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
    const count = kind === "package" || kind === "edge" ? 4 : kind === "reader" ? 2 : 3;
    if (words.length !== count) return undefined;
    if (kind === "external") externals.push({ specifier: a!, key: b! });
    else if (kind === "reader") readers.push(a!);
    else if (kind === "lacks") lacks.push({ specifier: a!, reason: b! });
    else if (kind === "edge") edges.push({ from: a!, name: b!, to: c! });
    else if (kind === "package" && (c === "-" || isSha256Hex(c!))) {
      packages.push({ key: a!, integrity: b!, sha256: c === "-" ? null : c! });
    } else return undefined;
  }
  return { externals, packages, edges, readers, lacks };
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
  const known = new Map(list.packages.map((entry) => [entry.key, entry.integrity]));
  const lines = [...keysBelow(list, key)].map((below) =>
    `npm:${below} ${known.get(below) ?? "-"}\n`
  );
  const found = `closure-sha256-${sha256Hex(lines.sort().join(""))}`;
  if (found !== integrity) {
    throw integrityMismatch(`the archived packages of ${specifier}`, found, String(integrity));
  }
  return key;
}
