/**
 * Versions, as plain JSON.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { isContinuumError } from "../base/errors.ts";
import { shortHash } from "../base/text.ts";
import type { VersionInfo, VersionListOptions } from "../client/versions/list.ts";
import type { SourceLine, VersionMember } from "../client/sources.ts";
import type { Continuum } from "../continuum.ts";
import { VersionNotFoundError } from "../version/load_errors.ts";
import { type Plain, plain } from "./plain.ts";
import { type RunLine, runLine } from "./run_lines.ts";
import { everySchedule } from "./schedules.ts";

export { VERSION_STATES, type VersionState } from "../ports/version_usage.ts";

/** A registered version. */
export type VersionLine = Plain<VersionInfo>;

/** A page of versions. */
export interface VersionLines {
  /** The versions, the newest first. */
  readonly versions: readonly VersionLine[];
  /** Pass it for the next page; `null`: this page is the last. */
  readonly cursor: string | null;
}

/**
 * Lists versions, the newest first.
 *
 * @param client The client.
 * @param options Which versions, and how many, as `versions.list()` takes them.
 */
export async function listVersions(
  client: Continuum,
  options: VersionListOptions = {},
): Promise<VersionLines> {
  const { versions, cursor } = await client.versions.list(options);
  return { versions: versions.map((version) => plain(version)), cursor };
}

/**
 * Finds the current versions.
 *
 * @param client The client.
 * @param workflows The workflows' names; all workflows when omitted.
 * @returns Their hashes, by workflow.
 */
export async function currentVersions(
  client: Continuum,
  workflows?: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  return await client.versions.currents(workflows);
}

/** A hash has 64 digits; this many are enough to tell versions apart, and to type. */
const LEAST_DIGITS = 4;

/**
 * Finds the version that a text names: a hash, or its first digits.
 *
 * @param client The client.
 * @param text At least four digits of its hash.
 * @returns The version.
 * @throws {InvalidArgumentError} If it is no part of a hash, or several versions begin so.
 * @throws {VersionNotFoundError} If there is no such version.
 */
export async function findVersion(client: Continuum, text: string): Promise<VersionLine> {
  const digits = text.toLowerCase();
  if (!/^[0-9a-f]+$/.test(digits) || digits.length < LEAST_DIGITS || digits.length > 64) {
    refuse("a version", text, `at least ${LEAST_DIGITS} of the 64 hexadecimal digits of its hash`);
  }
  const { versions: found } = await listVersions(client, { hash: digits });
  if (found.length === 0) throw new VersionNotFoundError(digits, "find the version");
  if (found.length > 1) {
    const hashes = found.slice(0, 5).map(({ hash }) => shortHash(hash)).join(", ");
    refuse(
      "a version",
      inWords(`${digits}, with which several versions begin (${hashes})`),
      "more digits of its hash",
    );
  }
  return found[0]!;
}

/**
 * Completes a hash of which only the first digits are given.
 *
 * @param client The client.
 * @param text At least four digits of a hash; any other text is returned as it is.
 * @returns The whole hash, or the text.
 * @throws {InvalidArgumentError} If several versions begin so.
 * @throws {VersionNotFoundError} If no version begins so.
 */
export async function wholeHash(client: Continuum, text: string): Promise<string> {
  const isPart = text.length >= LEAST_DIGITS && text.length < 64 && /^[0-9a-f]+$/i.test(text);
  return isPart ? (await findVersion(client, text)).hash : text;
}

/** What the code of a version consists of. */
export interface VersionCode {
  /** Where the bytes were read; `null`: no source has them, and `unavailable` says why. */
  readonly from: "archive" | "url" | null;
  /** Why no source has the code; `null`: one has it. */
  readonly unavailable: string | null;
  /** The label of the root module; `null`: unknown. */
  readonly entry: string | null;
  /** Its modules, without their texts, sorted by label. */
  readonly members: readonly Omit<VersionMember, "text">[];
  /** The packages that it imports, with their exact versions. */
  readonly packages: readonly string[];
}

/** A version with what its code consists of. */
export interface VersionDetails extends VersionLine, VersionCode {}

/**
 * Shows a version. Its code is read and verified, and never executed.
 *
 * @param client The client.
 * @param text Its hash, or the first digits.
 * @throws {VersionNotFoundError} If there is no such version.
 */
export async function showVersion(client: Continuum, text: string): Promise<VersionDetails> {
  const version = await findVersion(client, text);
  return { ...version, ...await versionCode(client, version.hash) };
}

/**
 * Reads what the code of a version consists of. It is verified, and never executed.
 *
 * @param client The client.
 * @param hash Its hash.
 */
export async function versionCode(client: Continuum, hash: string): Promise<VersionCode> {
  try {
    const { from, entry, members, packages } = await client.versions.source(hash);
    const listed = members.map(({ text: _, ...member }) => member);
    return { from, unavailable: null, entry, members: listed, packages };
  } catch (error) {
    if (!isContinuumError(error, "VERSION_UNAVAILABLE")) throw error;
    return { from: null, unavailable: error.message, entry: null, members: [], packages: [] };
  }
}

/** A module of a version. */
export interface MemberSource {
  /** The version. */
  readonly hash: string;
  /** Where the bytes were read; they are verified against the hash. */
  readonly from: "archive" | "url";
  /** The module's label. */
  readonly member: string;
  /** The SHA-256 of its bytes. */
  readonly sha256: string;
  /** How its bytes are read. */
  readonly media: string;
  /** Its lines; `null`: its bytes are no text. */
  readonly lines: readonly SourceLine[] | null;
}

/**
 * Reads the source of one module.
 *
 * @param client The client.
 * @param text The version's hash, or the first digits.
 * @param member The module's label, or the end of it; the root module when omitted.
 * @throws {VersionNotFoundError} If there is no such version.
 * @throws {VersionUnavailableError} If no source has its code.
 * @throws {InvalidArgumentError} If the version has no such module, or several.
 */
export async function versionSource(
  client: Continuum,
  text: string,
  member?: string,
): Promise<MemberSource> {
  const { hash } = await findVersion(client, text);
  const source = await client.versions.source(hash);
  const wanted = member ?? source.entry;
  const exact = source.members.filter(({ label }) => label === wanted);
  const found = exact.length > 0
    ? exact
    : source.members.filter(({ label }) => label.endsWith(`/${wanted}`));
  const labels = (found.length > 1 ? found : source.members).map(({ label }) => label);
  if (found.length !== 1) refuse("a module of the version", wanted, labels.slice(0, 20).join(", "));
  const [{ label, sha256, media, text: code }] = found as [VersionMember];
  const lines = code?.split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line, index) => ({ number: index + 1, text: line })) ?? null;
  return { hash, from: source.from, member: label, sha256, media, lines };
}

/** What needs a version. */
export interface VersionUse {
  /** The version. */
  readonly hash: string;
  /** Its workflow. */
  readonly workflow: string;
  /** Whether runs that are started by name are pinned to it. */
  readonly current: boolean;
  /** How many runs that have not ended are pinned to it: in the client's namespace. */
  readonly live: number;
  /** Whether there may be more: it counts to 1,000. */
  readonly more: boolean;
  /** The oldest of them: at most five. */
  readonly oldest: readonly RunLine[];
  /** The ids of schedules that are pinned to it. */
  readonly schedules: readonly string[];
}

const MOST_COUNTED = 1_000;

/**
 * Says which runs and schedules of the namespace need a version.
 *
 * @param client The client.
 * @param text Its hash, or the first digits.
 * @throws {VersionNotFoundError} If there is no such version.
 */
export async function versionUse(client: Continuum, text: string): Promise<VersionUse> {
  const { hash, workflow, current } = await findVersion(client, text);
  const where = { version: hash, state: "live" as const };
  const { runs } = await client.runs.query({
    where,
    orderBy: { by: "createdAt", direction: "asc" },
    limit: 5,
  });
  const live = await client.runs.count({ where, limit: MOST_COUNTED });
  const schedules: string[] = [];
  for await (const { id } of everySchedule(client, { version: hash })) schedules.push(id);
  return {
    hash,
    workflow,
    current,
    live,
    more: live === MOST_COUNTED,
    oldest: runs.map((run) => runLine(run, current ? hash : null)),
    schedules,
  };
}
