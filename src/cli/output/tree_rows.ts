/**
 * The rows of a tree of runs: one for each run, with its branches drawn, and one for those that are
 * left out.
 *
 * @module
 */

import {
  MOST_COUNTED,
  type Relation,
  relativesOf,
  type RunTree,
  type TreeBranch,
  type TreeRun,
} from "../../operate/tree.ts";

/** Runs that a tree leaves out. */
export interface LeftOut {
  /** The run that they come from. */
  readonly of: string;
  /** How they come from it. */
  readonly relation: Relation;
  /** How many. */
  readonly count: number;
  /** Whether there may be more. */
  readonly orMore: boolean;
}

/** A row of a tree. */
export interface TreeRow {
  /** The branches, and the run's id. */
  readonly line: string;
  /** Levels below the run that was asked for; negative above it. */
  readonly depth: number;
  /** How it comes from the run above it. */
  readonly relation: "above" | "run" | "child" | "fork";
  /** The run; `null`: the row stands for runs that are left out. */
  readonly run: TreeRun | null;
  /** What is left out; `null`: the row is a run. */
  readonly more: LeftOut | null;
}

/**
 * Says what a tree leaves out.
 *
 * @param more What.
 */
export function moreText({ of, relation, count, orMore }: LeftOut): string {
  const [one, many] = WORDS[relation];
  const number = `${count.toLocaleString("en")}${orMore ? "+" : ""}`;
  return `${number} more ${count === 1 ? one : many} of ${of}`;
}

const WORDS = { children: ["child", "children"], forks: ["fork", "forks"] } as const;

/** How a line of a branch begins, and how the lines below it do. */
const DRAWN = {
  child: [["├─ ", "│  "], ["└─ ", "   "]],
  fork: [["├┄ ", "│  "], ["└┄ ", "   "]],
} as const;

/**
 * The rows of a tree: the runs above, the run, and what comes from it.
 *
 * @param tree The tree.
 */
export function* treeRows({ above, run }: RunTree): Iterable<TreeRow> {
  for (const [index, each] of above.entries()) {
    const depth = index - above.length;
    const line = index === 0 ? each.id : `${"   ".repeat(index - 1)}└─ ${each.id}`;
    yield { line, depth, relation: "above", run: each, more: null };
  }
  const indent = "   ".repeat(Math.max(0, above.length - 1));
  const [first, below] = above.length === 0 ? ["", ""] : [`${indent}└─ `, `${indent}   `];
  yield { line: `${first}${run.id}`, depth: 0, relation: "run", run, more: null };
  yield* branchRows(run, below, 1);
}

function* branchRows(branch: TreeBranch, indent: string, depth: number): Iterable<TreeRow> {
  const rows = relativesOf(branch).flatMap(([relation, count]) => {
    const kind: "child" | "fork" = relation === "forks" ? "fork" : "child";
    const shown = branch[relation];
    const more = { of: branch.id, relation, count: count - shown.length };
    return [
      ...shown.map((run) => ({ kind, run, more: null })),
      ...more.count <= 0
        ? []
        : [{ kind, run: null, more: { ...more, orMore: count === MOST_COUNTED } }],
    ] as const;
  });
  for (const [index, { kind, run, more }] of rows.entries()) {
    const [start, rest] = DRAWN[kind][index === rows.length - 1 ? 1 : 0];
    const text = run === null ? `… ${moreText(more)}` : run.id;
    yield { line: `${indent}${start}${text}`, depth, relation: kind, run, more };
    if (run !== null) yield* branchRows(run, indent + rest, depth + 1);
  }
}
