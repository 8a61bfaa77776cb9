/**
 * Chooses the runs whose histories are replayed.
 *
 * - SAMPLE-1: `spread` draws in turn from each kind of run: its version, its state, what it waits
 *   for, and how long its history is, in powers of two. So it draws each rare path before a second
 *   run of a common one.
 *
 * @module
 */

import type { RunCondition } from "../../ports/run_query.ts";
import type { RunRow, RunState } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";

/** Runs that were chosen. */
export interface Sample {
  /** Their ids. */
  readonly ids: readonly string[];
  /** How many runs were found. */
  readonly found: number;
  /** Whether there are more than were looked at. */
  readonly more: boolean;
}

/** Which runs, and how many. */
export interface SampleRequest {
  /** The workflow. */
  readonly workflow: string;
  /** A further condition. */
  readonly where: RunCondition | null;
  /** Milliseconds since the epoch: runs that have ended since then count too; `null`: none. */
  readonly endedSince: number | null;
  /** The most runs. */
  readonly most: number;
  /** Which of them, if there are more. */
  readonly pick: "newest" | "spread";
}

/** How many runs one query reads. */
const PAGE = 1_000;

/** The most runs that are looked at to draw from each kind of them. */
const MOST_SCANNED = 20_000;

/** A pending run has no history: there is nothing to replay. */
const STARTED: readonly RunState[] = [
  ...["running", "suspended"] as const,
  ...["stuck_unknown_version", "stuck_nondeterminism", "stuck_poisoned"] as const,
];

/**
 * Chooses runs.
 *
 * @param runs The runs of a namespace.
 * @param request Which runs, and how many.
 * @returns Their ids.
 */
export async function chooseRuns(runs: RunStore, request: SampleRequest): Promise<Sample> {
  const { most, pick } = request;
  const where = conditionOf(request);
  const wanted = pick === "newest" ? most : Math.max(most, MOST_SCANNED);
  const kinds = new Map<string, string[]>();
  let found = 0;
  let after: { readonly at: number; readonly id: number } | null = null;
  while (true) {
    const limit = Math.min(PAGE, wanted - found) + 1;
    const rows: RunRow[] = await runs.query({
      where,
      by: "createdAt",
      descending: true,
      after,
      limit,
    });
    const page = rows.slice(0, limit - 1);
    for (const row of page) {
      const kind = pick === "newest" ? "" : kindOf(row);
      const ids = kinds.get(kind) ?? [];
      ids.push(row.runId);
      kinds.set(kind, ids);
    }
    found += page.length;
    const more = rows.length > page.length;
    if (!more || found === wanted) {
      return { ids: drawInTurn([...kinds.values()], most), found, more };
    }
    const { createdAt: at, id } = page.at(-1)!;
    after = { at, id };
  }
}

/**
 * SAMPLE-1: draws the first of each list, then the second of each, and so on.
 *
 * @param lists The lists.
 * @param most How many to draw.
 * @returns The items.
 */
export function drawInTurn<T>(lists: readonly (readonly T[])[], most: number): T[] {
  const drawn: T[] = [];
  let left = lists;
  for (let turn = 0; left.length > 0 && drawn.length < most; turn++) {
    drawn.push(...left.slice(0, most - drawn.length).map((list) => list[turn]!));
    left = left.filter((list) => list.length > turn + 1);
  }
  return drawn;
}

/** SAMPLE-1 */
function kindOf({ hash, state, events, waits: [wait] }: RunRow): string {
  const size = Math.ceil(Math.log2(events + 1));
  return JSON.stringify([hash, state, size, wait?.kind, wait?.name]);
}

function conditionOf({ workflow, where, endedSince }: SampleRequest): RunCondition {
  const started: RunCondition = {
    kind: "field",
    field: "state",
    comparison: "in",
    values: STARTED,
  };
  const recent: RunCondition | null = endedSince === null
    ? null
    : { kind: "field", field: "endedAt", comparison: "gte", values: [endedSince] };
  return {
    kind: "and",
    parts: [
      { kind: "field", field: "workflow", comparison: "eq", values: [workflow] },
      recent === null ? started : { kind: "or", parts: [started, recent] },
      ...where === null ? [] : [where],
    ],
  };
}
