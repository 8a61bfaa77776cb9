/**
 * `runs trace`.
 *
 * @module
 */

import type { TraceOfRun } from "../../operate/runs.ts";
import { traceOfRun } from "../../operate/runs.ts";
import { defineCommand } from "../command.ts";
import type { Output } from "../output/output.ts";
import { table } from "../output/table.ts";
import { width } from "../output/text.ts";
import { timeline } from "../output/timeline.ts";
import { span } from "../output/times.ts";
import { counted, errorText, valueCell, versionName } from "../output/words.ts";
import { duration, whole } from "../readers.ts";
import { driftLines } from "./drift.ts";

interface Options {
  readonly at?: number;
  readonly from?: number;
  readonly limit?: number;
  readonly generation?: number;
  readonly deadline?: number;
}

type Effect = TraceOfRun["effects"][number];

/** A bar is shown if it can have this many columns. */
const LEAST_BAR = 16;

/** Traces a run: its effects with their inputs, answers, attempts and lines. */
export const command = defineCommand<Options>({
  examples: [
    { text: "What a run has done, and on which lines", line: "runs trace o-1041" },
    { text: "What it waited for after its first 14 events", line: "runs trace o-1041 --at 14" },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [
    { flags: "--at <n>", text: "as it was after this many events", read: whole(0) },
    { flags: "--from <n>", text: "the first effect, in program order from 0", read: whole(0) },
    { flags: "--limit <n>", text: "how many effects; 200 if omitted", read: whole(1, 10_000) },
    { flags: "--generation <n>", text: "an earlier generation, from 0", read: whole(0) },
    {
      flags: "--deadline <duration>",
      text: "how long the subprocess that replays the code may take; 10s if omitted",
      read: duration,
    },
  ],
  fields: [
    ...["runId", "workflow", "version", "generation", "attempt", "events", "at", "startedAt"],
    ...["effects", "total", "waiting", "outcome", "drift", "refused", "replayed"],
  ],
  async run({ args: [id], options: { deadline, ...options }, client, out }) {
    const trace = await traceOfRun(await client(), id!, { ...options, timeout: deadline ?? "10s" });
    out.document(trace, () => linesOf(trace, out));
  },
});

function* linesOf(trace: TraceOfRun, out: Output): Iterable<string> {
  const { workflow, runId, version, at, events, effects, total } = trace;
  const upTo = at < events ? ` · after ${at} of ${counted(events, "event")}` : "";
  yield `${workflow} ${runId} on ${versionName(version)}${upTo}`;
  if (effects.length > 0) yield* effectLines(effects, out);
  const first = effects[0]?.position ?? 0;
  if (effects.length < total) {
    yield `effects ${first} to ${
      first + effects.length - 1
    } of ${total}; --from and --limit show others`;
  }
  if (trace.outcome !== null) yield `the code has ${OUTCOMES[trace.outcome]}`;
  yield* driftLines(trace);
}

const OUTCOMES = {
  completed: "returned",
  failed: "thrown an error",
  cancelled: "ended by the cancellation",
  continued: "continued as new",
};

/** A pipe gets the same columns, separated by tabs, without bars. */
function* effectLines(effects: readonly Effect[], out: Output): Iterable<string> {
  const rows = effects.map((effect) => ({ effect, bar: "" }));
  const columns = [
    { title: "#", right: true, cell: ({ effect }: Row) => String(effect.position) },
    { title: "KIND", cell: ({ effect }: Row) => effect.kind },
    { title: "NAME", cell: ({ effect }: Row) => effect.name || "-" },
    { title: "LINE", cell: ({ effect }: Row) => siteOf(effect) },
    { title: "OUTCOME", cell: ({ effect }: Row) => outcomeOf(effect) },
  ] as const;
  if (!out.isTerminal) {
    for (const row of rows) yield columns.map(({ cell }) => cell(row)).join("\t");
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
  const from = Date.parse(requestedAt);
  const to = answeredAt === null ? state === "withdrawn" ? from : null : Date.parse(answeredAt);
  const marks = attempts.map(({ failedAt }) => Date.parse(failedAt))
    .filter((time) => time >= from && (to === null || time <= to));
  return { from, to: to === null ? null : Math.max(from, to), marks, isIdle: IDLE.has(kind) };
}

const IDLE: ReadonlySet<string> = new Set(["sleep", "signal", "child"]);

function endOf(effects: readonly Effect[]): number {
  const isWaiting = effects.some(({ state }) => state === "waiting");
  const answers = effects.flatMap(({ requestedAt, answeredAt }) =>
    Date.parse(answeredAt ?? requestedAt)
  );
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
      const took = answeredAt === null
        ? ""
        : span(Date.parse(answeredAt) - Date.parse(requestedAt));
      const words = state === "timed_out" ? `timed out after ${took}` : took;
      return `${failed}${words}${value === null ? "" : ` ${valueCell(value)}`}${to}`;
    }
  }
}
