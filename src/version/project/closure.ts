/**
 * The integrity of a package with everything below it: what a version's hash covers of a package.
 *
 * - CLOSURE-1: it covers each package's key and integrity, which packages are for certain platforms
 *   alone, and which package each one means by each name. So a list of packages that has this
 *   integrity can be followed, also one from the database.
 *
 * @module
 */

import { encodeWord, sha256Hex } from "../../base/encoding.ts";

/** A package of a closure. */
export interface ClosurePackage {
  /** `npm:` or `jsr:` and its key in the lock. */
  readonly id: string;
  /** Its integrity in the lock. */
  readonly integrity: string;
  /** Whether it is for certain operating systems or processors alone. */
  readonly isForPlatform: boolean;
  /** What it means by names: the `id` of a package by each. */
  readonly dependencies: ReadonlyMap<string, string>;
}

/**
 * Computes the integrity of a closure (CLOSURE-1).
 *
 * @param root The package.
 * @param others All packages below it.
 * @returns `closure-sha256-` and hexadecimal digits.
 */
export function closureIntegrity(
  root: ClosurePackage,
  others: readonly ClosurePackage[],
): string {
  const text = [lineOf(root), ...others.map(lineOf).sort()].join("");
  return `closure-sha256-${sha256Hex(text)}`;
}

function lineOf({ id, integrity, isForPlatform, dependencies }: ClosurePackage): string {
  const names = [...dependencies].map(([name, to]) => [encodeWord(name), encodeWord(to)] as const)
    .sort(([a], [b]) => a < b ? -1 : 1);
  const platform = isForPlatform ? ["platform"] : [];
  return [encodeWord(id), encodeWord(integrity), ...platform, ...names.flat()].join(" ") + "\n";
}
