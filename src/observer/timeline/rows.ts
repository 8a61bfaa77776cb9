/**
 * The rows of a timeline: one an effect, one for effects that are alike and follow each other, or one
 * for all that are alike.
 *
 * @module
 */

import type { TraceOfRun } from "../../operate/runs.ts";

/** An effect of a trace. */
export type Effect = TraceOfRun["effects"][number];

/** A run with more effects is shown by groups. */
export const MOST_SINGLE = 500;

/** How many rows a page has. */
export const PAGE_ROWS = 200;

/** So many effects that are alike and follow each other are one row. */
const LEAST_ALIKE = 5;

/** A row. */
export interface Row {
  /** Names it in a URL: the position of its first effect. */
  readonly key: string;
  /** Its effects, in program order. */
  readonly effects: readonly [Effect, ...Effect[]];
  /** How many of them have failed. */
  readonly failed: number;
  /** How many are waited for. */
  readonly waiting: number;
}

/**
 * Makes the rows of a run, in program order.
 *
 * @param effects Its effects, in program order.
 * @param open Keys of rows whose effects each get a row.
 */
export function rowsOf(effects: readonly Effect[], open: ReadonlySet<string> = new Set()): Row[] {
  const rows: Row[] = [];
  for (let from = 0; from < effects.length;) {
    let to = from + 1;
    while (to < effects.length && likeness(effects[to]!) === likeness(effects[from]!)) to++;
    const alike = effects.slice(from, to);
    const isSingle = alike.length < LEAST_ALIKE || open.has(keyOf(alike[0]!));
    if (isSingle) { for (const effect of alike) rows.push(row([effect])); }
    else rows.push(row(alike));
    from = to;
  }
  return rows;
}

/**
 * Makes one row for all effects that are alike. Rows with failures come first, then in the order of
 * their first effects.
 *
 * @param effects The effects of a run, in program order.
 */
export function groupsOf(effects: readonly Effect[]): Row[] {
  const groups = [...Map.groupBy(effects, likeness).values()].map(row);
  return groups.sort((a, b) =>
    Number(b.failed > 0) - Number(a.failed > 0) ||
    a.effects[0].position - b.effects[0].position
  );
}

/**
 * Makes a row for each effect of a group: those that failed first, then in program order.
 *
 * @param group The group.
 */
export function membersOf({ effects }: Row): Row[] {
  return effects.map((effect) => row([effect])).sort((a, b) =>
    b.failed - a.failed || a.effects[0].position - b.effects[0].position
  );
}

function row(effects: readonly Effect[]): Row {
  const [first] = effects;
  return {
    key: keyOf(first!),
    effects: effects as Row["effects"],
    failed: effects.filter(({ state }) => state === "failed").length,
    waiting: effects.filter(({ state }) => state === "waiting").length,
  };
}

function keyOf({ position }: Effect): string {
  return String(position);
}

/** What effects have in common that are alike: what they do, and the line that requested them. */
function likeness({ kind, name, site }: Effect): string {
  return JSON.stringify([kind, name, site?.file, site?.line, site?.column]);
}
