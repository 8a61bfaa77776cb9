/**
 * Says which patches the versions of a workflow have, and which live runs need each.
 *
 * - PATCHES-1: a history notes that a run took the new branch, and never that it took the old one. So
 *   a run without the note may need the old branch, unless its present generation began on code that
 *   has the patch already, or has no history yet.
 *
 * @module
 */

import { checkOptions, checkText, checkWhole } from "../../base/arguments.ts";
import { isContinuumError } from "../../base/errors.ts";
import { isSha256Hex } from "../../base/encoding.ts";
import { decode } from "../../base/values.ts";
import type { PatchRun } from "../../ports/patch_runs.ts";
import type { Store } from "../../ports/store.ts";
import type { NamedCall } from "../../version/imports/named_calls.ts";
import { VersionNotFoundError } from "../../version/load_errors.ts";
import { readSource } from "../sources.ts";
import type { CodeFinder } from "./code.ts";

/**
 * Options of {@linkcode Versions.patches}.
 *
 * @category Versions
 */
export interface PatchesOptions {
  /**
   * How many live runs are examined, the oldest first.
   *
   * @default {10_000}
   */
  readonly limit?: number;
}

/**
 * A call of `ctx.patched`.
 *
 * @category Versions
 */
export interface PatchSite {
  /** The version's hash. */
  readonly version: string;
  /** Whether that version is current. */
  readonly current: boolean;
  /** The label of the module. */
  readonly member: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1. */
  readonly column: number;
  /** The text of the line. */
  readonly text: string;
}

/**
 * A live run.
 *
 * @category Versions
 */
export interface PatchedRun {
  /** Its id. */
  readonly id: string;
  /** Its namespace. */
  readonly namespace: string;
  /** The hash of its version. */
  readonly version: string;
  /** When it was created. */
  readonly createdAt: Date;
}

/**
 * A patch, and the live runs that need it.
 *
 * @category Versions
 */
export interface PatchUse {
  /** The name that is passed to `ctx.patched`. */
  readonly name: string;
  /** Its calls, those of the current version first. */
  readonly sites: readonly PatchSite[];
  /** How many live runs have taken the new branch. */
  readonly taken: number;
  /**
   * How many live runs will take the new branch when they come to it: they began on code that has the
   * patch, or have not begun.
   */
  readonly ahead: number;
  /**
   * How many live runs are on a version that has the patch, have not noted it, and began on other code:
   * they may have taken the old branch.
   */
  readonly old: number;
  /** How many live runs are on versions without the patch: they need the old branch to be moved. */
  readonly elsewhere: number;
  /** The oldest run of `old` and `elsewhere`; `null`: there is none. */
  readonly oldest: PatchedRun | null;
  /** The newest run of `old` and `elsewhere`; `null`: there is none. */
  readonly newest: PatchedRun | null;
  /** Whether the old branch may go: no live run needs it, and all were examined. */
  readonly mayGo: boolean;
}

/**
 * The patches of a workflow.
 *
 * @category Versions
 */
export interface PatchReport {
  /** The workflow. */
  readonly workflow: string;
  /** The versions whose code was searched: the current one, and those of live runs. */
  readonly versions: readonly string[];
  /** Versions whose code no source has, and why: their runs count as if they had each patch. */
  readonly unread: readonly { readonly version: string; readonly message: string }[];
  /** The patches, by name. */
  readonly patches: readonly PatchUse[];
  /** Calls whose name is computed: such patches are not in `patches`. */
  readonly computed: readonly PatchSite[];
  /** How many live runs were examined, in all namespaces. */
  readonly runs: number;
  /** Whether there are more live runs or versions than were examined; then no patch may go. */
  readonly more: boolean;
}

/** The dependencies of {@linkcode findPatches}. */
export interface PatchesContext {
  /** The registry, and the runs. */
  readonly store: Pick<Store, "versions" | "patches">;
  /** Reads code. */
  readonly versions: CodeFinder;
}

const CALL = "versions.patches()";

/** What marks a patch. */
const METHODS = new Set(["patched"]);

/** The most versions whose code is searched. */
const MOST_VERSIONS = 100;

/** Versions of a workflow that are looked at. */
const MOST_LISTED = 1_000;

/** Runs that one statement reads. */
const PAGE = 500;

/** The code that was searched. */
interface Searched {
  readonly sites: Map<string, PatchSite[]>;
  readonly computed: PatchSite[];
  readonly unread: { readonly version: string; readonly message: string }[];
}

/** A count that is being made. */
interface Tally {
  taken: number;
  ahead: number;
  old: number;
  elsewhere: number;
  oldest: PatchedRun | null;
  newest: PatchedRun | null;
}

/**
 * Finds the patches of a workflow; see {@linkcode Versions.patches}.
 *
 * @param name The workflow's name, or the hash of a version.
 * @param options How many runs.
 * @param context The dependencies.
 * @returns The report.
 * @throws {InvalidArgumentError} If an argument is invalid.
 * @throws {VersionNotFoundError} If there is no such workflow or version.
 */
export async function findPatches(
  name: string,
  options: PatchesOptions,
  context: PatchesContext,
): Promise<PatchReport> {
  checkText(name, `the workflow or version of ${CALL}`);
  checkOptions(options, ["limit"], CALL);
  const { limit = 10_000 } = options;
  checkWhole(limit, `option limit of ${CALL}`, 1);
  const { store } = context;
  const only = isSha256Hex(name) ? await store.versions.get(name) : null;
  const workflow = only?.workflow ?? name;
  const page = await store.versions.page({ workflow, limit: MOST_LISTED, most: 1 });
  if (page.length === 0) throw new VersionNotFoundError(name, "find its patches");
  const currents = new Set(page.filter(({ isCurrent }) => isCurrent).map(({ hash }) => hash));
  const needed = page.filter(({ hash, isCurrent, live }) =>
    isCurrent || live > 0 || hash === only?.hash
  );
  const hashes = needed.map(({ hash }) => hash);
  const searched = hashes.slice(0, MOST_VERSIONS);
  const found = await search(searched, currents, context);
  const names = [...found.sites].filter(([, sites]) =>
    only === null || sites.some(({ version }) => version === only.hash)
  ).map(([name]) => name).sort();
  const tallies = new Map(names.map((name) => [name, newTally()]));
  const { runs, more } = await tally(hashes, limit, tallies, found, context);
  const isPart = more || page.length === MOST_LISTED || searched.length < hashes.length;
  return {
    workflow,
    versions: searched,
    unread: found.unread,
    patches: [...tallies].map(([name, counts]) => ({
      name,
      sites: found.sites.get(name)!,
      ...counts,
      mayGo: !isPart && counts.old === 0 && counts.elsewhere === 0,
    })),
    computed: found.computed,
    runs,
    more: isPart,
  };
}

/** Searches the code of versions; a module that several contain is parsed once. */
async function search(
  hashes: readonly string[],
  currents: ReadonlySet<string>,
  { versions }: PatchesContext,
): Promise<Searched> {
  const { namedCalls } = await import("../../version/imports/named_calls.ts"); // loads a parser
  const sites = new Map<string, PatchSite[]>();
  const computed: PatchSite[] = [];
  const unread: Searched["unread"] = [];
  const known = new Map<string, NamedCall[]>();
  const sorted = hashes.toSorted((a, b) => Number(currents.has(b)) - Number(currents.has(a)));
  for (const version of sorted) {
    try {
      const { members } = await readSource(versions, version);
      for (const { label: member, media, sha256, text } of members) {
        const calls = known.get(sha256) ?? namedCalls(text ?? "", media, METHODS);
        known.set(sha256, calls);
        for (const { name, line, column, text } of calls) {
          const current = currents.has(version);
          const site = { version, current, member, line, column, text };
          if (name === null) computed.push(site);
          else if (sites.has(name)) sites.get(name)!.push(site);
          else sites.set(name, [site]);
        }
      }
    } catch (error) {
      if (!isContinuumError(error, "VERSION_UNAVAILABLE")) throw error;
      unread.push({ version, message: error.message });
    }
  }
  return { sites, computed, unread };
}

/** Counts the live runs, the oldest first. */
async function tally(
  hashes: readonly string[],
  limit: number,
  tallies: ReadonlyMap<string, Tally>,
  { sites, unread }: Searched,
  { store }: PatchesContext,
): Promise<{ readonly runs: number; readonly more: boolean }> {
  const unknown = new Set(unread.map(({ version }) => version));
  const having = new Map(
    [...tallies.keys()].map((
      name,
    ) => [name, new Set(sites.get(name)!.map((site) => site.version))]),
  );
  let runs = 0;
  let after: PatchRun | null = null;
  while (true) {
    const wanted: number = Math.min(PAGE, limit - runs);
    const page: PatchRun[] = await store.patches.runs(hashes, after, wanted + 1);
    for (const run of page.slice(0, wanted)) {
      for (const [name, counts] of tallies) count(run, name, counts, having.get(name)!, unknown);
    }
    runs += Math.min(page.length, wanted);
    if (page.length <= wanted) return { runs, more: false };
    if (runs === limit) return { runs, more: true };
    after = page[wanted - 1]!;
  }
}

/** PATCHES-1 */
function count(
  run: PatchRun,
  name: string,
  counts: Tally,
  having: ReadonlySet<string>,
  unknown: ReadonlySet<string>,
): void {
  const { hash, isFork, hasHistory, taken, moved } = run;
  if (taken.includes(name)) {
    counts.taken++;
    return;
  }
  const first = moved === null ? hash : (decode(moved) as { readonly from: string }).from;
  if (having.has(hash) && (!hasHistory || having.has(first) && !isFork)) {
    counts.ahead++;
    return;
  }
  if (having.has(hash) || unknown.has(hash)) counts.old++;
  else counts.elsewhere++;
  const { runId: id, namespace, createdAt } = run;
  counts.newest = { id, namespace, version: hash, createdAt: new Date(createdAt) };
  counts.oldest ??= counts.newest;
}

function newTally(): Tally {
  return { taken: 0, ahead: 0, old: 0, elsewhere: 0, oldest: null, newest: null };
}
