/**
 * Denials of versions and modules: plans, and carrying them out, as plain JSON.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { isContinuumError } from "../base/errors.ts";
import { isSha256Hex } from "../base/encoding.ts";
import { shortHash } from "../base/text.ts";
import type { AllowReport, DeniedVersion, DenyReport } from "../client/versions/deny.ts";
import type { Continuum } from "../continuum.ts";
import { VersionNotFoundError } from "../version/load_errors.ts";
import { type Plain, plain } from "./plain.ts";
import { findVersion, listVersions } from "./versions.ts";

/** What a denial is about. */
export interface DenialRequest {
  /** A version: its hash, or the first digits. */
  readonly version?: string | undefined;
  /**
   * A module, which is denied in place of the version: its label, or the first digits of its SHA-256,
   * if `version` contains it; otherwise all digits.
   */
  readonly member?: string | undefined;
}

/** A version that a denial bars, and how many live runs it has. */
export interface BarredVersion extends DeniedVersion {
  /** How many runs that have not ended are pinned to it, in all namespaces; at most 1,000. */
  readonly live: number;
}

/** What a denial would bar. */
export interface DenialPlan {
  /** The digest. */
  readonly sha256: string;
  /** The module's label; `null`: the digest is that of a version, or of a module without a name. */
  readonly module: string | null;
  /** The registered versions that it bars: at most 100 with their live runs. */
  readonly versions: readonly BarredVersion[];
  /** How many registered versions it bars. */
  readonly count: number;
  /** How many runs would be parked: of the versions that are listed, each counted to 1,000. */
  readonly live: number;
  /** Whether there may be more runs. */
  readonly more: boolean;
  /**
   * The workflows that no run can be started of by name, and the newest other version of each that is
   * not denied; `null`: there is none.
   */
  readonly withoutCurrent: readonly { readonly workflow: string; readonly next: string | null }[];
}

/** What a denial did. */
export type DenialLines = Plain<DenyReport>;

/** What taking a denial back did. */
export type AllowLines = Plain<AllowReport>;

/** A denial that can be taken back. */
export interface AllowPlan {
  /** The digest. */
  readonly sha256: string;
  /** Why it is denied. */
  readonly reason: string;
  /** Who denied it; `null`: unknown. */
  readonly by: string | null;
  /** When. */
  readonly at: string;
  /** The versions that it bars. */
  readonly versions: readonly string[];
}

/** How many versions a plan lists. */
const MOST_LISTED = 100;

/** Up to which number live runs of a version are counted. */
const MOST_LIVE = 1_000;

/**
 * Says what a denial would do, and changes nothing.
 *
 * @param client The client.
 * @param request What is to be denied.
 * @param reason Why.
 * @throws {VersionNotFoundError} If there is no such version.
 * @throws {InvalidArgumentError} If the version has no such module, or several.
 */
export async function planDenial(
  client: Continuum,
  request: DenialRequest,
  reason: string,
): Promise<DenialPlan> {
  const { sha256, module } = await digestOf(client, request);
  const report = await client.versions.deny(sha256, { reason, dryRun: true });
  const versions: BarredVersion[] = [];
  for (const version of report.versions.slice(0, MOST_LISTED)) {
    const { versions: [found] } = await listVersions(client, { hash: version.hash });
    versions.push({ ...version, live: found?.live ?? 0 });
  }
  const barred = new Set(report.versions.map(({ hash }) => hash));
  const withoutCurrent = [];
  for (const workflow of report.withoutCurrent) {
    const { versions: others } = await listVersions(client, { workflow, limit: MOST_LISTED });
    const next = others.find(({ hash, state }) => state !== "denied" && !barred.has(hash));
    withoutCurrent.push({ workflow, next: next?.hash ?? null });
  }
  return {
    sha256,
    module,
    versions,
    count: report.versions.length,
    live: versions.reduce((sum, { live }) => sum + live, 0),
    more: report.versions.length > MOST_LISTED || versions.some(({ live }) => live >= MOST_LIVE),
    withoutCurrent,
  };
}

/**
 * Denies a digest.
 *
 * @param client The client.
 * @param sha256 The digest of a plan.
 * @param reason Why.
 */
export async function deny(
  client: Continuum,
  sha256: string,
  reason: string,
): Promise<DenialLines> {
  return plain(await client.versions.deny(sha256, { reason }));
}

/**
 * Finds a denial.
 *
 * @param client The client.
 * @param text The digest that is denied, or the first digits.
 * @throws {VersionNotFoundError} If no denial names it.
 * @throws {InvalidArgumentError} If it is no part of a digest, or several denials begin so.
 */
export async function planAllow(client: Continuum, text: string): Promise<AllowPlan> {
  const digits = text.toLowerCase();
  if (!/^[0-9a-f]{4,64}$/.test(digits)) {
    refuse("a denial", text, "at least 4 of the 64 hexadecimal digits of what is denied");
  }
  const denials = await client.versions.denials();
  const found = denials.filter(({ sha256 }) => sha256.startsWith(digits));
  if (found.length > 1) {
    const several = found.slice(0, 5).map(({ sha256 }) => shortHash(sha256)).join(", ");
    refuse("a denial", inWords(`${digits}, with which several begin (${several})`), "more digits");
  }
  if (found.length === 1) return plain(found[0]!);
  const others = denials.filter(({ versions }) => versions.some((hash) => hash.startsWith(digits)));
  const why = others.length === 0
    ? "no denial names it"
    : `it is barred by the denial of ${others.map(({ sha256 }) => shortHash(sha256)).join(", ")}`;
  throw new VersionNotFoundError(digits, "allow it", why);
}

/**
 * Takes a denial back.
 *
 * @param client The client.
 * @param sha256 The digest of a plan.
 */
export async function allow(client: Continuum, sha256: string): Promise<AllowLines> {
  return plain(await client.versions.allow(sha256));
}

async function digestOf(
  client: Continuum,
  { version, member }: DenialRequest,
): Promise<{ readonly sha256: string; readonly module: string | null }> {
  if (version === undefined) {
    const digest = member?.toLowerCase();
    if (digest !== undefined && isSha256Hex(digest)) return { sha256: digest, module: null };
    refuse("a module without a version", member, "all 64 hexadecimal digits of its SHA-256");
  }
  const hash = await hashOf(client, version);
  if (member === undefined) return { sha256: hash, module: null };
  const { members } = await client.versions.source(hash);
  const digits = member.toLowerCase();
  const exact = members.filter(({ label }) => label === member);
  const found = exact.length > 0
    ? exact
    : members.filter(({ label, sha256 }) =>
      label.endsWith(`/${member}`) || /^[0-9a-f]{4,64}$/.test(digits) && sha256.startsWith(digits)
    );
  if (new Set(found.map(({ sha256 }) => sha256)).size !== 1) {
    const labels = (found.length > 1 ? found : members).map(({ label }) => label);
    refuse("a module of the version", member, labels.slice(0, 20).join(", "));
  }
  return { sha256: found[0]!.sha256, module: found[0]!.label };
}

/** A whole hash may be of a version that is not registered yet. */
async function hashOf(client: Continuum, text: string): Promise<string> {
  try {
    return (await findVersion(client, text)).hash;
  } catch (error) {
    const hash = text.toLowerCase();
    if (isContinuumError(error, "VERSION_NOT_FOUND") && isSha256Hex(hash)) return hash;
    throw error;
  }
}
