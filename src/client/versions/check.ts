/**
 * Checks that every version which runs and schedules need can be executed: its manifest, the bytes
 * of its modules, its packages, and its import. It only reads.
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
import type { Versions } from "../../version/versions.ts";

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

/**
 * A module of a version that was checked.
 *
 * @category Versions
 */
export interface CheckedMember {
  /** Its label. */
  readonly label: string;
  /** The SHA-256 of its bytes, in hex. */
  readonly sha256: string;
  /** Where bytes with that digest are; `null`: nowhere. */
  readonly from: "archive" | "url" | null;
}

/**
 * What was found for a version:
 *
 * - `ok`: it can be executed.
 * - `missing`: no source has its bytes.
 * - `refused`: an operator denied it or a module of it, or this process's trust does not allow it.
 * - `broken`: its bytes are there, but it can't be imported, or a package is missing or differs.
 * - `unproven`: its bytes are there, but its import needs a permission that the subprocess lacks.
 *
 * @category Versions
 */
export type CheckedState = "ok" | "missing" | "refused" | "broken" | "unproven";

/**
 * A version that was checked.
 *
 * @category Versions
 */
export interface CheckedVersion {
  /** The version. */
  readonly hash: string;
  /** Its workflow. */
  readonly workflow: string;
  /** Its label for people. */
  readonly label: string | null;
  /** How many runs that have not ended are pinned to it, in all namespaces. */
  readonly live: number;
  /** When the oldest of these runs was created; `null`: there is none. */
  readonly oldest: Date | null;
  /** How many schedules start runs on it. */
  readonly schedules: number;
  /** Whether runs of older versions may continue on it by `continueAsNew`. */
  readonly succeeds: boolean;
  /** What was found. */
  readonly state: CheckedState;
  /** How this process has loaded it; `null`: it has not. `native`: by the application's import. */
  readonly loaded: "native" | "url" | "archive" | null;
  /** Where its modules are; empty if its manifest is damaged. */
  readonly members: readonly CheckedMember[];
  /** The npm and JSR packages that it imports. */
  readonly packages: readonly string[];
  /**
   * Whether a subprocess has imported it; `null`: none has tried, since `import` is `false`, its
   * bytes are missing, it has modules of the running application (`live`), or it is `unproven`.
   */
  readonly imported: boolean | null;
  /** Why it is not `ok`: a reason for each source that was tried. */
  readonly reasons: readonly SourceReason[];
}

/**
 * Versions for which the same was found.
 *
 * @category Versions
 */
export interface CheckGroup {
  /** What was found. */
  readonly state: CheckedState;
  /** Why, in one sentence; `null` for `ok`. */
  readonly cause: string | null;
  /** The codes of the reasons. */
  readonly codes: readonly string[];
  /** The hashes of the versions. */
  readonly versions: readonly string[];
  /** How many runs need these versions. */
  readonly live: number;
  /** How many schedules need them. */
  readonly schedules: number;
}

/**
 * Whether everything that runs and schedules need can be executed.
 *
 * @category Versions
 */
export interface VersionCheck {
  /** Whether every version is `ok` or `unproven`. */
  readonly ok: boolean;
  /** Whether no run and no schedule needs a version. */
  readonly empty: boolean;
  /** How many runs have not ended. */
  readonly live: number;
  /** How many schedules start runs. */
  readonly schedules: number;
  /** The versions, those with the most runs first. */
  readonly versions: readonly CheckedVersion[];
  /** The same by what was found: problems first, those with the most runs first. */
  readonly groups: readonly CheckGroup[];
}

/** The dependencies of a check. */
export interface CheckContext {
  /** Says which versions are needed. */
  readonly store: { readonly versions: Pick<VersionStore, "needed"> };
  /** Finds their bytes. */
  readonly versions: Pick<Versions, "denials" | "examine" | "loaded">;
  /** Imports their code in a subprocess. */
  readonly dryRuns: Pick<DryRuns, "start">;
}

/** How many subprocesses import at a time. */
const CONCURRENCY = 2;

/** The codes of reasons that this process's trust gives. */
const POLICY: ReadonlySet<string> = new Set(["DENIED", "UNTRUSTED_MODULE", "UNTRUSTED_VERSION"]);

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
  const checked: CheckedVersion[] = [];
  let next = 0;
  const work = async () => {
    while (next < needed.length) {
      const index = next++;
      const version = await checkOne(needed[index]!, { imports, here, timeoutMs }, context);
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
    versions: checked,
    groups: groupsOf(checked),
  };
}

async function checkOne(
  { oldest, ...need }: NeededVersionRow,
  { imports, here, timeoutMs }: { imports: boolean; here: boolean; timeoutMs: number },
  { versions, dryRuns }: CheckContext,
): Promise<CheckedVersion> {
  const { hash, workflow } = need;
  const examined = await versions.examine(hash, here);
  const { manifest = null, members = [], found = null } = examined ?? {};
  const reasons = [...examined?.reasons ?? []];
  const content = manifest?.content;
  let imported: boolean | null = null;
  if (imports && found !== null && content!.live.length === 0) {
    const reason = await importReason(found, workflow, timeoutMs, { dryRuns });
    if (reason !== null && !reasons.some(({ message }) => message === reason.message)) {
      reasons.push(reason);
    }
    imported = reason === null ? true : reason.code === NO_PERMISSION ? null : false;
  }
  return {
    ...need,
    oldest: oldest === null ? null : new Date(oldest),
    state: stateOf(reasons, found !== null),
    loaded: versions.loaded.find((version) => version.hash === hash)?.source ?? null,
    members: members.map(({ member: { label, sha256 }, from }) => ({ label, sha256, from })),
    packages: (content?.externals ?? []).map(({ specifier }) => specifier)
      .filter((specifier) => !specifier.startsWith("node:")),
    imported,
    reasons,
  };
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
    const found = await process.load();
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

function stateOf(reasons: readonly SourceReason[], isFound: boolean): CheckedState {
  if (reasons.length === 0) return "ok";
  if (reasons.some(({ code }) => POLICY.has(code))) return "refused";
  if (!isFound) return "missing";
  return reasons.every(({ code }) => code === NO_PERMISSION) ? "unproven" : "broken";
}

function groupsOf(versions: readonly CheckedVersion[]): CheckGroup[] {
  const groups = Map.groupBy(versions, ({ state, reasons }) => {
    const causes = reasons.map(({ source, specifier, code }) => [source, specifier, code]);
    return JSON.stringify([state, causes]);
  });
  return [...groups.values()].map((members): CheckGroup => {
    const { state, reasons } = members[0]!;
    return {
      state,
      cause: reasons.length === 0 ? null : reasons.map(sentence).join("; "),
      codes: reasons.map(({ code }) => code),
      versions: members.map(({ hash }) => hash),
      live: sum(members, "live"),
      schedules: sum(members, "schedules"),
    };
  }).sort((a, b) => Number(a.state === "ok") - Number(b.state === "ok") || b.live - a.live);
}

function sentence({ source, specifier, message }: SourceReason): string {
  return `${source}${specifier === undefined ? "" : ` ${specifier}`}: ${message}`;
}

function sum(versions: readonly CheckedVersion[], key: "live" | "schedules"): number {
  return versions.reduce((total, version) => total + version[key], 0);
}
