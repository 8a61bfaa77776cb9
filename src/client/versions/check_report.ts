/**
 * What a check of versions reports.
 *
 * @module
 */

import type { SourceReason } from "../../version/load_errors.ts";
import type { MissingCallee, UncheckedCalls } from "./callees.ts";

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
 * A package that a version imports and the archive does not have.
 *
 * @category Versions
 */
export interface UnarchivedPackage {
  /** The package, with its exact version. */
  readonly specifier: string;
  /** Why the archive does not have it, such as that it has a native addon. */
  readonly reason: string;
}

/**
 * What was found for a version:
 *
 * - `ok`: it can be executed.
 * - `missing`: no source has its bytes.
 * - `refused`: an operator denied it or a module of it, or this process's trust does not allow it.
 * - `broken`: its bytes are there, but it can't be imported, or a package is missing or differs.
 * - `no_child`: its code starts a workflow by name that has no version, or whose current version is
 *   denied.
 * - `no_activity`: its code asks for an activity by name that no live node has registered.
 * - `unproven`: its bytes are there, but its import needs a permission that the subprocess lacks.
 *
 * If several are true, it is the first of `refused`, `missing`, `broken`, `no_child`, `no_activity`,
 * `unproven`.
 *
 * @category Versions
 */
export type CheckedState =
  | "ok"
  | "missing"
  | "refused"
  | "broken"
  | "no_child"
  | "no_activity"
  | "unproven";

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
   * Those of them that the archive does not have, each with the reason: every image that executes
   * the version must have them, or reach their registry.
   */
  readonly unarchived: readonly UnarchivedPackage[];
  /**
   * Whether a subprocess has imported it; `null`: none has tried, since `import` is `false`, its
   * bytes are missing, it has modules of the running application (`live`), or it is `unproven`.
   */
  readonly imported: boolean | null;
  /** Why it can't be executed: a reason for each source that was tried. */
  readonly reasons: readonly SourceReason[];
  /**
   * The calls of activities and workflows by name that nothing offers. A call counts wherever it is
   * in the version's code: also if no run gets there any more.
   */
  readonly lacks: readonly MissingCallee[];
  /** How many calls of activities and workflows were not checked. */
  readonly unchecked: UncheckedCalls;
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
  /** How many calls of activities and workflows were not checked, in all versions. */
  readonly unchecked: UncheckedCalls;
  /** The versions, those with the most runs first. */
  readonly versions: readonly CheckedVersion[];
  /** The same by what was found: problems first, those with the most runs first. */
  readonly groups: readonly CheckGroup[];
}

/**
 * Groups versions for which the same was found.
 *
 * @param versions The versions.
 * @returns The groups: problems first, those with the most runs first.
 */
export function groupsOf(versions: readonly CheckedVersion[]): CheckGroup[] {
  const groups = Map.groupBy(versions, ({ state, reasons, lacks }) => {
    const causes = reasons.map(({ source, specifier, code }) => [source, specifier, code]);
    return JSON.stringify([state, causes, lacks.map(({ message }) => message)]);
  });
  return [...groups.values()].map((members): CheckGroup => {
    const { state, reasons, lacks } = members[0]!;
    const causes = [...reasons.map(sentence), ...lacks.map(callSentence)];
    return {
      state,
      cause: causes.length === 0 ? null : causes.join("; "),
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

function callSentence({ member, line, message }: MissingCallee): string {
  return `${member}:${line}: ${message}`;
}

/**
 * Adds up how many runs or schedules need versions.
 *
 * @param versions The versions.
 * @param key Which.
 * @returns The sum.
 */
export function sum(versions: readonly CheckedVersion[], key: "live" | "schedules"): number {
  return versions.reduce((total, version) => total + version[key], 0);
}
