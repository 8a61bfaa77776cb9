/**
 * Denies versions and modules, and takes denials back.
 *
 * @module
 */

import { checkBoolean, checkOptions, checkText, refuse } from "../../base/arguments.ts";
import { isSha256Hex } from "../../base/encoding.ts";
import { MAX_REASON } from "../../base/operator_limits.ts";
import type { BarredVersion } from "../../ports/denials.ts";
import { VersionNotFoundError } from "../../version/load_errors.ts";
import type { VersionDenial } from "./list.ts";
import type { ClientContext } from "../context.ts";
import { operated } from "../operated.ts";

/**
 * Options of `Versions.deny`.
 *
 * @category Versions
 */
export interface DenyOptions {
  /** Why: runs that are parked and starts that are refused show it. */
  readonly reason: string;
  /** Who denies it; kept as it is said. */
  readonly by?: string;
  /**
   * Whether only the report is made, and nothing is denied.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
}

/**
 * A version that a denial bars.
 *
 * @category Versions
 */
export interface DeniedVersion {
  /** Its hash. */
  readonly hash: string;
  /** Its workflow. */
  readonly workflow: string;
  /** The label that its definition gives itself. */
  readonly label: string | null;
  /**
   * Whether it is current: then starts by the workflow's name are refused until another version is
   * activated.
   */
  readonly current: boolean;
}

/**
 * What a denial did, or would do.
 *
 * @category Versions
 */
export interface DenyReport {
  /** The digest that is denied. */
  readonly sha256: string;
  /** The registered versions that it bars; one that is registered later is barred, too. */
  readonly versions: readonly DeniedVersion[];
  /** The workflows that no run can be started of by name until another version is activated. */
  readonly withoutCurrent: readonly string[];
  /**
   * How many runs the call parked: those that no node held. Nodes park the others when their turn has
   * ended. 0 with `dryRun`.
   */
  readonly parked: number;
}

/**
 * What taking a denial back did.
 *
 * @category Versions
 */
export interface AllowReport {
  /** The digest that is no longer denied. */
  readonly sha256: string;
  /** The versions that nodes may execute again. */
  readonly versions: readonly DeniedVersion[];
  /** How many parked runs continue. */
  readonly revived: number;
}

/**
 * A denial, and what it bars.
 *
 * @category Versions
 */
export interface Denial extends VersionDenial {
  /** The hashes of the registered versions that it bars. */
  readonly versions: readonly string[];
}

/** What denials need of a client. */
export type DenyContext = Pick<
  ClientContext,
  "log" | "operator" | "runs" | "store" | "versions" | "wakeups"
>;

/** Runs that one statement parks. */
const BATCH = 500;

/**
 * Denies a digest.
 *
 * @param context The database, and what this process knows of it.
 * @param sha256 The hash of a version, or the SHA-256 of a module.
 * @param options Why.
 * @returns What it bars.
 * @throws {InvalidArgumentError} If the digest or an option is invalid.
 */
export async function denyDigest(
  context: DenyContext,
  sha256: string,
  options: DenyOptions,
): Promise<DenyReport> {
  const { operator, store: { denials }, versions: code, wakeups } = context;
  const call = "versions.deny()";
  checkDigest(sha256, call);
  checkOptions(options, ["reason", "by", "dryRun"], call);
  const { reason, by = operator?.actor, dryRun = false } = options;
  checkText(reason, `option reason of ${call}`, MAX_REASON);
  if (by !== undefined) checkText(by, `option by of ${call}`);
  checkBoolean(dryRun, `option dryRun of ${call}`);
  const versions = dryRun ? await denials.versionsOf(sha256) : await operated(
    context,
    { action: "version.deny", namespace: null, target: sha256 },
    (deed) =>
      deed(async ({ store: { denials } }) => {
        await denials.deny(sha256, reason, by ?? null);
        return await denials.versionsOf(sha256);
      }, { details: ({ length }) => ({ versions: length }) }),
  );
  if (!dryRun) {
    await code.denials.refresh();
    wakeups.broadcast({ kind: "denials" });
  }
  let parked = 0;
  for (const { hash } of dryRun ? [] : versions) {
    const why = code.denialReason(hash);
    if (why === undefined) continue; // another call has allowed it meanwhile
    for (let batch; (batch = await denials.park(hash, why, BATCH)).length > 0;) {
      parked += batch.length;
      for (const { runId, watched } of batch) wakeups.ended(runId, watched);
    }
  }
  return {
    sha256,
    versions: versions.map(denied),
    withoutCurrent: versions.filter(({ isCurrent }) => isCurrent).map(({ workflow }) => workflow),
    parked,
  };
}

/**
 * Takes the denial of a digest back: runs that were parked for it continue, unless another denial
 * bars their version.
 *
 * @param context The database, and what this process knows of it.
 * @param sha256 The digest.
 * @returns What may be executed again.
 * @throws {InvalidArgumentError} If the digest is invalid.
 * @throws {VersionNotFoundError} If it is not denied.
 */
export async function allowDigest(
  context: DenyContext,
  sha256: string,
): Promise<AllowReport> {
  const { store, versions: code, wakeups } = context;
  checkDigest(sha256, "versions.allow()");
  const act = { action: "version.allow", namespace: null, target: sha256 } as const;
  await operated(context, act, (deed) =>
    deed(async ({ store: { denials } }) => {
      if (await denials.allow(sha256)) return { denied: false };
      throw new VersionNotFoundError(sha256, "allow it", "no denial names it");
    }, { details: (after) => after }));
  await code.denials.refresh();
  wakeups.broadcast({ kind: "denials" });
  const versions = (await store.denials.versionsOf(sha256))
    .filter(({ hash }) => code.denials.of(hash) === undefined);
  let revived = 0;
  for (const { hash } of versions) {
    await store.denials.forgetRefusals(hash);
    revived += await store.versions.revive(hash);
    wakeups.versionAvailable(hash);
  }
  return { sha256, versions: versions.map(denied), revived };
}

/**
 * Lists denials.
 *
 * @param context The database.
 * @returns The denials, the oldest first.
 */
export async function listDenials(
  { store }: Pick<DenyContext, "store">,
): Promise<Denial[]> {
  const { denials } = await store.denials.list();
  return denials.map(({ at, ...denial }) => ({ ...denial, at: new Date(at) }));
}

function checkDigest(sha256: unknown, call: string): void {
  if (typeof sha256 === "string" && isSha256Hex(sha256)) return;
  refuse(`the digest of ${call}`, sha256, "64 lower-case hexadecimal digits");
}

function denied({ hash, workflow, label, isCurrent }: BarredVersion): DeniedVersion {
  return { hash, workflow, label, current: isCurrent };
}
