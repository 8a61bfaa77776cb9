/**
 * Compares the code of two versions: modules, packages, and what else their hashes cover. The bytes
 * are verified and not executed.
 *
 * @module
 */

import { checkBoolean, checkOptions, checkText, refuse } from "../../base/arguments.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { isSameCode } from "../../version/compile/same_code.ts";
import {
  type EdgeTarget,
  importTypeOf,
  type Manifest,
  type MediaType,
  type Member,
} from "../../version/manifest/format.ts";
import {
  formatPackageSpecifier,
  parsePackageSpecifier,
} from "../../version/manifest/package_specifier.ts";
import type { FoundVersion } from "../../version/sources.ts";
import { textOf } from "../sources.ts";
import { type CodeFinder, MAX_SPECIFIER, readCode } from "./code.ts";

/**
 * Options of {@linkcode Versions.diff}.
 *
 * @category Versions
 */
export interface VersionDiffOptions {
  /** Compares only the member that has this label in one of the versions. */
  readonly member?: string;
  /**
   * How long to search for patches. Members whose patch is not found by then have none.
   *
   * @default {"2s"}
   */
  readonly timeout?: Duration;
  /**
   * Whether patches leave out lines that differ only in white space at their ends, such as those that
   * were indented. A member of which nothing else differs has a patch without lines.
   *
   * @default {false}
   */
  readonly ignoreWhitespace?: boolean;
}

/**
 * A module that two versions don't have in common.
 *
 * @category Versions
 */
export interface MemberDiff {
  /** Its label in the second version; in the first, if the second lacks it. */
  readonly label: string;
  /** How it differs. `renamed`: the same bytes under another label. */
  readonly change: "added" | "removed" | "renamed" | "changed";
  /** Its label in the first version, if `renamed`; `null` otherwise. */
  readonly renamedFrom: string | null;
  /** How its bytes are read. */
  readonly media: MediaType;
  /**
   * Whether it is the same after types are stripped: the emitted JavaScript has the same syntax
   * tree, so types, comments and layout alone differ.
   */
  readonly sameCode: boolean;
  /** The differences in unified form; `null` if it is no text, is renamed, or `gaveUp`. */
  readonly patch: string | null;
  /** How many lines the second version adds; `null` without a patch. */
  readonly added: number | null;
  /** How many lines the second version removes; `null` without a patch. */
  readonly removed: number | null;
  /** Whether the search for a patch took too long. */
  readonly gaveUp: boolean;
}

/**
 * A package that two versions don't import alike.
 *
 * @category Versions
 */
export interface PackageDiff {
  /** Its name: `npm:zod`. */
  readonly name: string;
  /** The versions that the first version imports; empty if it imports none. */
  readonly before: readonly string[];
  /** The versions that the second version imports; empty if it imports none. */
  readonly after: readonly string[];
  /** Whether the package, or one that it depends on, has other content under the same version. */
  readonly otherContent: boolean;
}

/**
 * Something else that a version's hash covers and that differs.
 *
 * @category Versions
 */
export interface SettingDiff {
  /**
   * What it is: the label of the root module, a compiler option, where an import leads, or a module
   * of the running application.
   */
  readonly kind: "entry" | "option" | "import" | "live";
  /** Which one. */
  readonly name: string;
  /** Its value in the first version; `null`: it has none. */
  readonly before: string | null;
  /** Its value in the second version; `null`: it has none. */
  readonly after: string | null;
}

/**
 * How the code of two versions differs.
 *
 * @category Versions
 */
export interface VersionDiff {
  /** The hash of the first version. */
  readonly a: string;
  /** The hash of the second version. */
  readonly b: string;
  /** Whether both are one version: then nothing differs. */
  readonly same: boolean;
  /**
   * Whether the versions do the same after types are stripped: every module that differs has
   * `sameCode`, and nothing else differs.
   */
  readonly sameCode: boolean;
  /** The modules that differ, sorted by label. */
  readonly members: readonly MemberDiff[];
  /** How many modules are the same. */
  readonly unchanged: number;
  /** The packages that differ, sorted by name. */
  readonly packages: readonly PackageDiff[];
  /** What else differs. */
  readonly settings: readonly SettingDiff[];
}

const DEFAULT_TIMEOUT = "2s";

/** How many unchanged lines surround a change. */
const CONTEXT = 3;

/**
 * Compares two versions.
 *
 * @param versions Finds their code.
 * @param a The first: a version's hash, or the specifier of a workflow module.
 * @param b The second.
 * @param options Which member, and how long to search.
 * @returns What differs.
 */
export async function diffVersions(
  versions: CodeFinder,
  a: string,
  b: string,
  options: VersionDiffOptions,
): Promise<VersionDiff> {
  const call = "versions.diff()";
  checkText(a, `the first version of ${call}`, MAX_SPECIFIER);
  checkText(b, `the second version of ${call}`, MAX_SPECIFIER);
  checkOptions(options, ["member", "timeout", "ignoreWhitespace"], call);
  const { member, ignoreWhitespace = false } = options;
  checkBoolean(ignoreWhitespace, `option ignoreWhitespace of ${call}`);
  const timeoutMs = durationMs(options.timeout ?? DEFAULT_TIMEOUT, `option timeout of ${call}`);
  const action = "compare it";
  const [first, second] = await Promise.all([
    readCode(versions, a, action),
    readCode(versions, b, action),
  ]);
  const { pairs, unchanged } = pairMembers(first, second);
  if (member !== undefined) checkMember(member, first, second);
  const wanted = member === undefined
    ? pairs
    : pairs.filter((pair) => pair.before?.label === member || pair.after?.label === member);
  const deadline = Date.now() + timeoutMs;
  const members: MemberDiff[] = [];
  for (const pair of wanted) {
    const search = { ignoreWhitespace, timeout: deadline - Date.now() };
    members.push(await diffMember(pair, first, second, search));
  }
  const packages = diffPackages(first.manifest.content, second.manifest.content);
  const settings = diffSettings(first.manifest.content, second.manifest.content);
  const isPart = member !== undefined;
  return {
    a: first.manifest.hash,
    b: second.manifest.hash,
    same: first.manifest.hash === second.manifest.hash,
    sameCode: members.every(({ sameCode }) => sameCode) &&
      (isPart || packages.length + settings.length === 0),
    members: members.sort((x, y) => x.label < y.label ? -1 : 1),
    unchanged: isPart ? wanted.length === 0 ? 1 : 0 : unchanged,
    packages: isPart ? [] : packages,
    settings: isPart ? [] : settings,
  };
}

/** How a patch is searched for. */
interface PatchSearch {
  /** In milliseconds. */
  readonly timeout: number;
  readonly ignoreWhitespace: boolean;
}

interface Pair {
  readonly before: Member | undefined;
  readonly after: Member | undefined;
}

function checkMember(label: unknown, ...versions: readonly FoundVersion[]): void {
  const isKnown = versions.some(({ manifest }) =>
    manifest.content.members.some((member) => member.label === label)
  );
  if (!isKnown) {
    refuse(
      "option member of versions.diff()",
      label,
      "the label of a module of one of the versions",
    );
  }
}

/** Pairs modules by label and kind of import, then by digest. */
function pairMembers(
  a: FoundVersion,
  b: FoundVersion,
): { readonly pairs: readonly Pair[]; readonly unchanged: number } {
  const keyOf = ({ label, media }: Member) => `${importTypeOf(media)} ${label}`;
  const added = new Map(b.manifest.content.members.map((member) => [keyOf(member), member]));
  const removed: Member[] = [];
  const pairs: Pair[] = [];
  let unchanged = 0;
  for (const before of a.manifest.content.members) {
    const after = added.get(keyOf(before));
    added.delete(keyOf(before));
    if (after === undefined) removed.push(before);
    else if (isAlike(before, after)) unchanged++;
    else pairs.push({ before, after });
  }
  for (const before of removed) {
    const renamed = [...added].find(([, after]) => isAlike(before, after));
    if (renamed !== undefined) added.delete(renamed[0]);
    pairs.push({ before, after: renamed?.[1] });
  }
  for (const after of added.values()) pairs.push({ before: undefined, after });
  return { pairs, unchanged };
}

function isAlike(a: Member, b: Member): boolean {
  return a.sha256 === b.sha256 && a.media === b.media;
}

async function diffMember(
  { before, after }: Pair,
  a: FoundVersion,
  b: FoundVersion,
  search: PatchSearch,
): Promise<MemberDiff> {
  const { label, media } = (after ?? before)!;
  const isRenamed = before !== undefined && after !== undefined && before.label !== after.label;
  const sides = { before: textIn(a, before), after: textIn(b, after) };
  const isText = sides.before !== null && sides.after !== null;
  const patch = isRenamed || !isText
    ? null
    : await patchOf(label, sides.before!, sides.after!, search);
  return {
    label,
    change: before === undefined
      ? "added"
      : after === undefined
      ? "removed"
      : isRenamed
      ? "renamed"
      : "changed",
    renamedFrom: isRenamed ? before.label : null,
    media,
    sameCode: before !== undefined && after !== undefined && !isRenamed &&
      await isSameCode(codeIn(a, before), codeIn(b, after)),
    ...(patch ?? { patch: null, added: null, removed: null }),
    gaveUp: !isRenamed && isText && patch === null,
  };
}

function textIn({ bytes }: FoundVersion, member: Member | undefined): string | null {
  return member === undefined ? "" : textOf(member.media, bytes.get(member.sha256)!);
}

function codeIn({ manifest, bytes }: FoundVersion, member: Member) {
  return {
    member,
    bytes: bytes.get(member.sha256)!,
    options: manifest.index.options(member.label),
  };
}

/** `null`: it takes longer than that. */
async function patchOf(
  label: string,
  before: string,
  after: string,
  search: PatchSearch,
): Promise<{ readonly patch: string; readonly added: number; readonly removed: number } | null> {
  if (search.timeout <= 0) return null;
  const { FILE_HEADERS_ONLY, formatPatch, structuredPatch } = await import("diff");
  const found = structuredPatch(label, label, before, after, undefined, undefined, {
    context: CONTEXT,
    ...search,
  });
  if (found === undefined) return null;
  const lines = found.hunks.flatMap(({ lines }) => lines);
  return {
    patch: formatPatch(found, FILE_HEADERS_ONLY),
    added: lines.filter((line) => line.startsWith("+")).length,
    removed: lines.filter((line) => line.startsWith("-")).length,
  };
}

function diffPackages(a: Manifest, b: Manifest): PackageDiff[] {
  const [before, after] = [packagesOf(a), packagesOf(b)];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const [was, is] = [before.get(name) ?? new Map(), after.get(name) ?? new Map()];
    const isOther = (version: string) => was.has(version) && is.get(version) !== was.get(version);
    const otherContent = [...is.keys()].some(isOther);
    const versions = { before: [...was.keys()].sort(), after: [...is.keys()].sort() };
    const isSame = String(versions.before) === String(versions.after) && !otherContent;
    return isSame ? [] : [{ name, ...versions, otherContent }];
  });
}

/** The integrity of each version of each package. */
function packagesOf({ externals }: Manifest): Map<string, Map<string, string>> {
  const packages = new Map<string, Map<string, string>>();
  for (const { specifier, integrity } of externals) {
    const parts = parsePackageSpecifier(specifier);
    if (parts === undefined) continue;
    const name = formatPackageSpecifier({ ...parts, range: "", path: "" });
    const versions = packages.get(name) ?? new Map<string, string>();
    versions.set(parts.range, integrity ?? versions.get(parts.range) ?? "");
    packages.set(name, versions);
  }
  return packages;
}

function diffSettings(a: Manifest, b: Manifest): SettingDiff[] {
  const [before, after] = [settingsOf(a), settingsOf(b)];
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    if (was?.value === is?.value) return [];
    const { kind, name } = (is ?? was)!;
    return [{ kind, name, before: was?.value ?? null, after: is?.value ?? null }];
  });
}

interface Setting extends Pick<SettingDiff, "kind" | "name"> {
  readonly value: string;
}

function settingsOf({ entry, options, edges, live }: Manifest): Map<string, Setting> {
  const settings: Setting[] = [
    { kind: "entry", name: "root module", value: entry },
    ...options.map(([key, value, label]): Setting => ({
      kind: "option",
      name: label === undefined ? key : `${key} of ${label}`,
      value,
    })),
    ...edges.map(({ from, specifier, target }): Setting => ({
      kind: "import",
      name: `${specifier} in ${from}`,
      value: showTarget(target),
    })),
    ...live.map((label): Setting => ({ kind: "live", name: label, value: "bound" })),
  ];
  return new Map(settings.map((setting) => [`${setting.kind} ${setting.name}`, setting]));
}

/** Where an import leads; of a package without its version, which is compared by itself. */
function showTarget(target: EdgeTarget): string {
  switch (target.kind) {
    case "member":
    case "live":
      return target.label;
    case "external": {
      const parts = parsePackageSpecifier(target.specifier);
      return parts === undefined
        ? target.specifier
        : formatPackageSpecifier({ ...parts, range: "" });
    }
    case "host":
      return "the engine";
    case "missing":
      return "nothing";
  }
}
