/**
 * The effects of a trace, one a line, along the time of the run.
 *
 * @module
 */

import type { TraceOfRun } from "../../operate/runs.ts";
import type { Output } from "./output.ts";
import { table } from "./table.ts";
import { tabbed, width } from "./text.ts";
import { timeline } from "./timeline.ts";
import { span } from "./times.ts";
import { counted, errorText, valueCell } from "./words.ts";

type Effect = TraceOfRun["effects"][number];

/** A bar is shown if it can have this many columns. */
const LEAST_BAR = 16;

/** How the code of a run has ended, after "the code has". */
export const OUTCOMES = {
  completed: "returned",
  failed: "thrown an error",
  cancelled: "ended by the cancellation",
  continued: "continued as new",
};

/**
 * The lines of effects. A pipe gets the same columns as a terminal, separated by tabs, without bars.
 *
 * @param effects The effects.
 * @param out Where they are printed.
 */
export function* effectLines(effects: readonly Effect[], out: Output): Iterable<string> {
  const rows = effects.map((effect) => ({ effect, bar: "" }));
  const columns = [
    { title: "#", right: true, cell: ({ effect }: Row) => String(effect.position) },
    { title: "KIND", cell: ({ effect }: Row) => effect.kind },
    { title: "NAME", cell: ({ effect }: Row) => effect.name || "-" },
    { title: "LINE", cell: ({ effect }: Row) => siteOf(effect) },
    { title: "OUTCOME", cell: ({ effect }: Row) => outcomeOf(effect) },
  ] as const;
  if (!out.isTerminal) {
    for (const row of rows) yield tabbed(columns.map(({ cell }) => cell(row)));
    return;
  }
  const [heading, ...lines] = table(columns, rows, Math.max(40, out.columns - LEAST_BAR));
  const room = out.columns - Math.max(...[heading!, ...lines].map(width)) - 2;
  if (room < LEAST_BAR) return void (yield* [heading!, ...lines]);
  const { axis, bars } = timeline(effects.map(stretchOf), endOf(effects), room);
  const wide = Math.max(...[heading!, ...lines].map(width));
  yield `${heading!.padEnd(wide)}  ${axis}`;
  for (const [index, line] of lines.entries()) {
    yield `${line}${" ".repeat(wide - width(line))}  ${bars[index]}`.trimEnd();
  }
}

interface Row {
  readonly effect: Effect;
}

function stretchOf({ kind, requestedAt, answeredAt, attempts, state }: Effect) {
  const begun = requestedAt ?? attempts[0]?.failedAt ?? answeredAt;
  const from = begun === null ? Date.now() : Date.parse(begun);
  const to = answeredAt === null ? state === "withdrawn" ? from : null : Date.parse(answeredAt);
  const marks = attempts.map(({ failedAt }) => Date.parse(failedAt))
    .filter((time) => time >= from && (to === null || time <= to));
  return { from, to: to === null ? null : Math.max(from, to), marks, isIdle: IDLE.has(kind) };
}

const IDLE: ReadonlySet<string> = new Set(["sleep", "signal", "child"]);

function endOf(effects: readonly Effect[]): number {
  const isWaiting = effects.some(({ state }) => state === "waiting");
  const answers = effects.map((effect) => {
    const { from, to } = stretchOf(effect);
    return to ?? from;
  });
  return isWaiting ? Math.max(Date.now(), ...answers) : Math.max(...answers);
}

function siteOf({ site }: Effect): string {
  if (site === null) return "-";
  return `${(site.member ?? site.file).split("/").at(-1)}:${site.line}`;
}

function outcomeOf(effect: Effect): string {
  const { state, attempts, task, answeredAt, requestedAt, child, value } = effect;
  const failed = attempts.length === 0 ? "" : `${counted(attempts.length, "failed attempt")}, `;
  const to = child === null ? "" : ` → ${child}`;
  switch (state) {
    case "waiting": {
      const where = task === null
        ? ""
        : `, ${task.state}${task.node === null ? "" : ` on ${task.node}`}`;
      return `${failed}waits${where}${to}`;
    }
    case "withdrawn":
      return `${failed}withdrawn${to}`;
    case "failed":
      return `${failed}failed: ${errorText(value)}${to}`;
    default: {
      const took = answeredAt === null || requestedAt === null
        ? ""
        : span(Date.parse(answeredAt) - Date.parse(requestedAt));
      const words = state === "timed_out" ? `timed out after ${took}` : took;
      return `${failed}${words}${value === null ? "" : ` ${valueCell(value)}`}${to}`;
    }
  }
}
