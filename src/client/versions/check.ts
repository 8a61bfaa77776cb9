/**
 * Checks that every version which runs and schedules need can be executed: its manifest, the bytes
 * of its modules, its packages, its import, and what it asks for by name. It only reads.
 *
 * - CHECK-1: code is imported in a subprocess without permissions (SUBPROCESS-1), never here.
 *
 * @module
 */

import { checkBoolean, checkFunction, checkOptions } from "../../base/arguments.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { isContinuumError } from "../../base/errors.ts";
import { messageOf } from "../../base/text.ts";
import type { DryRuns } from "../run/dry_runs.ts";
import type { NeededVersionRow } from "../../ports/rows.ts";
import type { VersionStore } from "../../ports/store.ts";
import type { SourceReason } from "../../version/load_errors.ts";
import type { FoundVersion } from "../../version/sources.ts";
import type { VersionPackages } from "../../version/packages/version_packages.ts";
import type { Versions } from "../../version/versions.ts";
import { Callees, type CalleesContext, type FoundCallees, type MissingCallee } from "./callees.ts";
import {
  type CheckedState,
  type CheckedVersion,
  groupsOf,
  sum,
  type UnarchivedPackage,
  type VersionCheck,
} from "./check_report.ts";

/**
 * Options of {@linkcode Versions.check}.
 *
 * @category Versions
 */
export interface VersionCheckOptions {
  /**
   * Whether to import each version, in a subprocess without permissions. This requires
   * `--allow-run`, and shows whether its npm and JSR packages are present.
   *
   * @default {true}
   */
  readonly import?: boolean;
  /**
   * Whether to check also that this process may load each version: its `workflows` and its `trust`.
   *
   * @default {false}
   */
  readonly here?: boolean;
  /**
   * How long the import of one version may take.
   *
   * @default {"30s"}
   */
  readonly timeout?: Duration;
  /** Is called, and awaited, for each version when it has been checked, such as to show progress. */
  readonly onChecked?: (version: CheckedVersion, total: number) => unknown;
}

/** The dependencies of a check. */
export interface CheckContext {
  /** Says which versions are needed, and what there is. */
  readonly store: CalleesContext["store"] & { readonly versions: Pick<VersionStore, "needed"> };
  /** Finds their bytes. */
  readonly versions: Pick<Versions, "denials" | "examine" | "loaded">;
  /** Imports their code in a subprocess. */
  readonly dryRuns: Pick<DryRuns, "start">;
}

/** How many subprocesses import at a time. */
const CONCURRENCY = 2;

const NOTHING_CALLED: FoundCallees = { lacks: [], unchecked: { computed: 0, noNode: 0 } };

/** The code of a version that lacks a signature which this process requires. */
const UNSIGNED = "UNSIGNED_VERSION";

/** The codes of reasons that this process's trust gives. */
const POLICY: ReadonlySet<string> = new Set([
  ...["DENIED", UNSIGNED, "UNTRUSTED_MODULE", "UNTRUSTED_VERSION"],
]);

/** The code of an import that needs a permission. */
const NO_PERMISSION = "PERMISSION_DENIED";

/**
 * Checks the versions that are needed.
 *
 * @param options What to check.
 * @param context Its dependencies.
 * @returns The report.
 */
export async function checkVersions(
  options: VersionCheckOptions,
  context: CheckContext,
): Promise<VersionCheck> {
  const call = "versions.check()";
  checkOptions(options, ["import", "here", "timeout", "onChecked"], call);
  const { import: imports = true, here = false, timeout = "30s", onChecked } = options;
  checkBoolean(imports, `option import of ${call}`);
  checkBoolean(here, `option here of ${call}`);
  if (onChecked !== undefined) checkFunction(onChecked, `option onChecked of ${call}`);
  const timeoutMs = durationMs(timeout, `option timeout of ${call}`);
  await context.versions.denials.refresh();
  const needed = await context.store.versions.needed();
  const callees = await Callees.read(context);
  const checked: CheckedVersion[] = [];
  let next = 0;
  const work = async () => {
    while (next < needed.length) {
      const index = next++;
      const version = await checkOne(
        needed[index]!,
        { imports, here, timeoutMs, callees },
        context,
      );
      checked[index] = version;
      await onChecked?.(version, needed.length);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return {
    ok: checked.every(({ state }) => state === "ok" || state === "unproven"),
    empty: checked.length === 0,
    live: sum(checked, "live"),
    schedules: sum(checked, "schedules"),
    unchecked: {
      computed: checked.reduce((total, { unchecked }) => total + unchecked.computed, 0),
      noNode: checked.reduce((total, { unchecked }) => total + unchecked.noNode, 0),
    },
    versions: checked,
    groups: groupsOf(checked),
  };
}

async function checkOne(
  { oldest, ...need }: NeededVersionRow,
  { imports, here, timeoutMs, callees }: {
    readonly imports: boolean;
    readonly here: boolean;
    readonly timeoutMs: number;
    readonly callees: Callees;
  },
  { versions, dryRuns }: CheckContext,
): Promise<CheckedVersion> {
  const { hash, workflow } = need;
  const examined = await versions.examine(hash, here);
  const { manifest = null, members = [], found = null, packages = null } = examined ?? {};
  const reasons = [...examined?.reasons ?? []];
  const content = manifest?.content;
  let imported: boolean | null = null;
  const isSigned = !reasons.some(({ code }) => code === UNSIGNED);
  if (imports && isSigned && found !== null && content!.live.length === 0) {
    const reason = await importReason(found, workflow, timeoutMs, { dryRuns });
    if (reason !== null && !reasons.some(({ message }) => message === reason.message)) {
      reasons.push(reason);
    }
    imported = reason === null ? true : reason.code === NO_PERMISSION ? null : false;
  }
  const { lacks, unchecked } = found === null ? NOTHING_CALLED : await callees.of(found);
  return {
    ...need,
    oldest: oldest === null ? null : new Date(oldest),
    state: stateOf(reasons, found !== null, lacks),
    loaded: versions.loaded.find((version) => version.hash === hash)?.source ?? null,
    members: members.map(({ member: { label, sha256 }, from }) => ({ label, sha256, from })),
    packages: (content?.externals ?? []).map(({ specifier }) => specifier)
      .filter((specifier) => !specifier.startsWith("node:")),
    unarchived: await missingPackages(packages),
    imported,
    reasons,
    lacks,
    unchecked,
  };
}

/** What the archive lacks; a damaged list is a reason already. */
async function missingPackages(packages: VersionPackages | null): Promise<UnarchivedPackage[]> {
  try {
    return [...await packages?.missing() ?? []];
  } catch (error) {
    if (!isContinuumError(error, "INTEGRITY_MISMATCH")) throw error;
    return [];
  }
}

/** CHECK-1. `null`: it was imported, and is the workflow that the registry names. */
async function importReason(
  version: FoundVersion,
  workflow: string,
  timeoutMs: number,
  { dryRuns }: Pick<CheckContext, "dryRuns">,
): Promise<SourceReason | null> {
  try {
    await using process = await dryRuns.start(version, timeoutMs);
    const { workflow: found } = await process.load();
    if (found === workflow) return null;
    const message = `it defines the workflow ${found}, and the registry names ${workflow}`;
    return { source: "import", kind: "lasting", code: "INTEGRITY_MISMATCH", message };
  } catch (error) {
    if (!isContinuumError(error) || error.code === "SUBPROCESS_UNAVAILABLE") throw error;
    const found = "found" in error.details ? error.details.found : null;
    const code = typeof found === "string" ? found : error.code;
    return { source: "import", kind: "node", code, message: messageOf(error) };
  }
}

function stateOf(
  reasons: readonly SourceReason[],
  isFound: boolean,
  lacks: readonly MissingCallee[],
): CheckedState {
  if (reasons.some(({ code }) => POLICY.has(code))) return "refused";
  if (!isFound) return "missing";
  if (reasons.some(({ code }) => code !== NO_PERMISSION)) return "broken";
  if (lacks.length > 0) {
    return lacks.some(({ kind }) => kind === "no_child") ? "no_child" : "no_activity";
  }
  return reasons.length > 0 ? "unproven" : "ok";
}
