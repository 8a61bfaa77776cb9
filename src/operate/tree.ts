/**
 * The tree of a run: the runs above it, its children and its forks, as plain JSON.
 *
 * - TREE-1: what a tree reads is bounded: each run's relatives by a page, all of it by `MAX_DEPTH`
 *   levels and `MAX_RUNS` runs. What is left out is counted, to `MOST_COUNTED` for each run.
 *
 * @module
 */

import type { RunSummary } from "../client/run/summary.ts";
import type { Continuum } from "../continuum.ts";
import { given } from "./client.ts";
import { type RunLine, runLine } from "./run_lines.ts";
import { currentVersions } from "./versions.ts";

/** A tree has at most this many levels below its run, and as many runs above it. */
export const MAX_DEPTH = 64;

/** A tree has at most this many runs below its run. */
export const MAX_RUNS = 1_000;

/** Relatives of a run are counted to this: at it there may be more. */
export const MOST_COUNTED = 1_000;

/** How many relatives of one kind a run shows, unless the caller says otherwise. */
const PAGE = 50;

/** How runs come from a run: it has started them, or they begin with a part of its history. */
export type Relation = "children" | "forks";

/** A run in a tree. */
export interface TreeRun extends
  Pick<
    RunLine,
    "id" | "workflow" | "version" | "current" | "state" | "generation" | "createdAt" | "endedAt"
  > {
  /** The id of the run that started it as a child; `null`: none did, or that run was removed. */
  readonly parent: string | null;
  /** Of a fork: where it begins; `null`: it is no fork. */
  readonly origin: RunLine["origin"];
  /** How many runs it has started as children, counted to `MOST_COUNTED`. */
  readonly childCount: number;
  /** How many forks of it there are, counted to `MOST_COUNTED`. */
  readonly forkCount: number;
}

/** A part of the children or forks of a run. */
export interface TreeLevel {
  /** The runs, in the order in which they were created. */
  readonly runs: readonly TreeRun[];
  /** Leads to the next part; `null`: there is none. */
  readonly cursor: string | null;
}

/** A run with the runs above it. */
export interface TreeRoot {
  /** The run that started this one as a child, and so on: the outermost first. */
  readonly above: readonly TreeRun[];
  /** The run. */
  readonly run: TreeRun;
}

/** A run with what comes from it. */
export interface TreeBranch extends TreeRun {
  /** Its children; those that are left out are in `childCount`. */
  readonly children: readonly TreeBranch[];
  /** Its forks; those that are left out are in `forkCount`. */
  readonly forks: readonly TreeBranch[];
}

/** A run with the runs above it, and with what comes from it. */
export interface RunTree extends Pick<TreeRoot, "above"> {
  /** The run. */
  readonly run: TreeBranch;
}

/** How much of a tree is read. */
export interface TreeOptions {
  /** Levels below the run, from 0 to `MAX_DEPTH`, which is the default. */
  readonly depth?: number | undefined;
  /** Children and forks of each run, from 1 to 1,000; 50 when omitted. */
  readonly limit?: number | undefined;
}

/** By workflow: the hash of its current version; `null`: there is none. */
export type CurrentVersions = Map<string, string | null>;

/**
 * Finds a run and the runs above it.
 *
 * @param client The client.
 * @param id Its id.
 * @param current Current versions that are known already.
 * @throws {RunNotFoundError} If there is no such run.
 */
export async function treeRoot(
  client: Continuum,
  id: string,
  current: CurrentVersions = new Map(),
): Promise<TreeRoot> {
  const runs: RunSummary[] = [await client.run(id).status()];
  while (runs[0]!.parent !== null && runs.length <= MAX_DEPTH) {
    const { runs: [parent] } = await client.runs.query({ where: { id: runs[0]!.parent } });
    if (parent === undefined) break; // removed meanwhile
    runs.unshift(parent);
  }
  const shown = await treeRuns(client, runs, current);
  return { above: shown.slice(0, -1), run: shown.at(-1)! };
}

/**
 * Lists the children or the forks of a run, page by page.
 *
 * @param client The client.
 * @param id The id of the run.
 * @param relation Which of them.
 * @param page How many, from 1 to 1,000, 50 when omitted, and the cursor of the part before.
 * @param current Current versions that are known already.
 */
export async function treeLevel(
  client: Continuum,
  id: string,
  relation: Relation,
  page: { readonly limit?: number | undefined; readonly cursor?: string | undefined } = {},
  current: CurrentVersions = new Map(),
): Promise<TreeLevel> {
  const { runs, cursor } = await client.runs.query({
    where: relation === "children" ? { parent: id } : { forksOf: id },
    orderBy: { by: "createdAt", direction: "asc" },
    limit: PAGE,
    ...given(page),
  });
  return { runs: await treeRuns(client, runs, current), cursor };
}

/**
 * Finds all that comes from a run, level by level, and the runs above it (TREE-1).
 *
 * @param client The client.
 * @param id Its id.
 * @param options How much of it.
 * @throws {RunNotFoundError} If there is no such run.
 */
export async function runTree(
  client: Continuum,
  id: string,
  { depth = MAX_DEPTH, limit = PAGE }: TreeOptions = {},
): Promise<RunTree> {
  const current: CurrentVersions = new Map();
  const { above, run } = await treeRoot(client, id, current);
  const root = growing(run);
  let level = [root];
  let room = MAX_RUNS;
  for (let deep = 0; deep < depth && level.length > 0; deep++) {
    const next: Growing[] = [];
    for (const branch of level) {
      for (const [relation, count] of relativesOf(branch)) {
        if (count === 0 || room === 0) continue;
        const page = { limit: Math.min(limit, room) };
        const { runs } = await treeLevel(client, branch.id, relation, page, current);
        branch[relation].push(...runs.map(growing));
        next.push(...branch[relation]);
        room -= runs.length;
      }
    }
    level = next;
  }
  return { above, run: root };
}

/**
 * How many relatives of each kind a run has.
 *
 * @param run The run.
 */
export function relativesOf(
  { childCount, forkCount }: TreeRun,
): readonly (readonly [Relation, number])[] {
  return [["children", childCount], ["forks", forkCount]];
}

interface Growing extends TreeRun {
  readonly children: Growing[];
  readonly forks: Growing[];
}

function growing(run: TreeRun): Growing {
  return { ...run, children: [], forks: [] };
}

async function treeRuns(
  client: Continuum,
  runs: readonly RunSummary[],
  current: CurrentVersions,
): Promise<TreeRun[]> {
  if (runs.length === 0) return [];
  const counts = await client.runs.relatives(runs.map(({ id }) => id), { limit: MOST_COUNTED });
  const byId = new Map(counts.map((count) => [count.id, count]));
  const unknown = [...new Set(runs.map(({ workflow }) => workflow))]
    .filter((workflow) => !current.has(workflow));
  const found = unknown.length === 0 ? undefined : await currentVersions(client, unknown);
  for (const workflow of unknown) current.set(workflow, found?.get(workflow) ?? null);
  return runs.map((run) => {
    const { children = 0, forks = 0 } = byId.get(run.id) ?? {};
    return treeRun(runLine(run, current.get(run.workflow)), children, forks);
  });
}

function treeRun(
  { id, workflow, version, current, state, generation, createdAt, endedAt, parent, origin }:
    RunLine,
  childCount: number,
  forkCount: number,
): TreeRun {
  return {
    ...{ id, workflow, version, current, state, generation, createdAt, endedAt, parent, origin },
    ...{ childCount, forkCount },
  };
}
