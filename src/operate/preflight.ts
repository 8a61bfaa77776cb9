/**
 * What can be found out about versions before they run, as plain JSON.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords, quote } from "../base/describe.ts";
import type { VersionCheckOptions } from "../client/versions/check.ts";
import type { VersionCheck } from "../client/versions/check_report.ts";
import type { VersionDiff } from "../client/versions/diff.ts";
import type { VersionReplay, VersionReplayOptions } from "../client/versions/replay.ts";
import type { Continuum } from "../continuum.ts";
import { parsePackageSpecifier } from "../version/manifest/package_specifier.ts";
import { readNamedModules } from "../version/read_modules.ts";
import { given } from "./client.ts";
import type { Diagnostic } from "../base/error_codes/details.ts";
import { findModules, isModule } from "./modules.ts";
import { type Plain, plain } from "./plain.ts";
import { findVersion } from "./versions.ts";

/** Which runs are replayed. */
export type ReplayOptions = VersionReplayOptions;

/** What the histories of runs say of some code. */
export type ReplayReport = Plain<VersionReplay>;

/** Whether everything that runs and schedules need can be executed. */
export type CheckReport = Plain<VersionCheck>;

/** How the code of two versions differs. */
export type DiffReport = Plain<VersionDiff>;

/**
 * Replays live histories on code.
 *
 * @param client The client.
 * @param code The path or URL of a workflow module, or the first digits of a version's hash.
 * @param options Which runs.
 */
export async function replayOn(
  client: Continuum,
  code: string,
  options: ReplayOptions,
): Promise<ReplayReport> {
  return plain(await client.versions.replay(await codeOf(client, code), options));
}

/**
 * Checks the versions that runs and schedules need.
 *
 * @param client The client.
 * @param options What to check.
 */
export async function checkNeeded(
  client: Continuum,
  options: VersionCheckOptions,
): Promise<CheckReport> {
  return plain(await client.versions.check(options));
}

/** What is compared of two versions, and how long patches are searched for. */
export interface DiffSearch {
  /** The label of a module, or the end of one; all modules when omitted. */
  readonly member?: string | undefined;
  /** In milliseconds. */
  readonly timeout: number;
  /** Whether white space at the ends of lines counts for nothing. */
  readonly ignoreWhitespace?: boolean | undefined;
}

/**
 * Compares the code of two versions.
 *
 * @param client The client.
 * @param a The first: as in {@linkcode replayOn}.
 * @param b The second.
 * @param search What is compared.
 * @throws {InvalidArgumentError} If no module, or several, have that label.
 */
export async function diffOf(
  client: Continuum,
  a: string,
  b: string,
  { member, ...search }: DiffSearch,
): Promise<DiffReport> {
  const [first, second] = [await codeOf(client, a), await codeOf(client, b)];
  const diff = await client.versions.diff(first, second, given(search));
  if (member === undefined) return plain(diff);
  const labels = diff.members.flatMap(({ label, renamedFrom }) => [label, renamedFrom ?? label]);
  const exact = labels.includes(member)
    ? [member]
    : [...new Set(labels.filter((label) => label.endsWith(`/${member}`)))];
  if (exact.length > 1) refuse("a module of the versions", member, exact.join(", "));
  return plain(
    await client.versions.diff(first, second, { ...given(search), member: exact[0] ?? member }),
  );
}

/** The version that a module has now. */
export interface ModuleHash {
  /** The module's specifier. */
  readonly specifier: string;
  /** The version's hash. */
  readonly hash: string;
  /** The label of the root module. */
  readonly entry: string;
  /** Its modules, sorted by label. */
  readonly members: readonly { readonly label: string; readonly sha256: string }[];
  /** The packages that it imports, with their exact versions. */
  readonly packages: readonly string[];
  /** The canonical text that the hash is the SHA-256 of. */
  readonly manifest: string;
  /** What is not pinned exactly. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Computes the version that a module has now. No database is needed, and nothing is executed.
 *
 * @param text The path or URL of a workflow module.
 */
export async function hashModule(text: string): Promise<ModuleHash> {
  const specifier = await moduleOf(text);
  const { manifest: { hash, text: manifest, content }, diagnostics } = await readNamedModules(
    specifier,
  );
  return {
    specifier,
    hash,
    entry: content.entry,
    members: content.members.map(({ label, sha256 }) => ({ label, sha256 }))
      .sort((a, b) => a.label < b.label ? -1 : 1),
    packages: content.externals.map(({ specifier }) => specifier)
      .filter((specifier) => parsePackageSpecifier(specifier) !== undefined),
    manifest,
    diagnostics,
  };
}

async function codeOf(client: Continuum, text: string): Promise<string> {
  return isModule(text) ? await moduleOf(text) : (await findVersion(client, text)).hash;
}

async function moduleOf(text: string): Promise<string> {
  const found = await findModules([text]);
  if (found.length === 1) return found[0]!;
  return refuse("a module", inWords(`${quote(text)}, which matches ${found.length} files`), "one");
}
