/**
 * `runs diff`.
 *
 * @module
 */

import type { ComparedRun, Parting, PartingSide, RunComparison } from "../../operate/compare.ts";
import { defineCommand } from "../command.ts";
import { diffLines } from "../output/diff_lines.ts";
import type { Output } from "../output/output.ts";
import { siteText } from "../output/source_lines.ts";
import { type Column, table } from "../output/table.ts";
import { tabbed } from "../output/text.ts";
import { errorText, valueCell, versionCell } from "../output/words.ts";
import { duration } from "../readers.ts";

interface Options {
  readonly stat?: true;
  readonly deadline?: number;
}

/** The longest value in a line, in characters. */
const MAX_VALUE = 80;

/** Compares two runs: where their histories part, and how their code differs. */
export const command = defineCommand<Options>({
  examples: [
    { text: "Why one of two runs took another way", line: "runs diff o-1041 o-1042" },
    { text: "Without the patches of their code", line: "runs diff o-1041 o-1042 --stat" },
  ],
  arguments: [["<a>", "the id of a run"], ["<b>", "the id of the other"]],
  options: [
    { flags: "--stat", text: "name what differs in the code, without patches" },
    {
      flags: "--deadline <duration>",
      text: "how long a subprocess that replays the code of a run may take; 10s if omitted",
      read: duration,
    },
  ],
  fields: ["a", "b", "answers", "diverges", "code", "codeUnavailable"],
  async run({ args: [a, b], options: { stat, deadline: timeout }, read, out }) {
    const comparison = await read("runs.diff", { a: a!, b: b!, timeout });
    out.document(comparison, () => linesOf(comparison, stat === true, out));
  },
});

interface Row {
  readonly title: string;
  value(run: ComparedRun): string | null;
}

function* linesOf(comparison: RunComparison, isBrief: boolean, out: Output): Iterable<string> {
  const { a, b, answers, diverges, code, codeUnavailable } = comparison;
  const facts: readonly Row[] = [
    { title: "workflow", value: ({ workflow }) => workflow },
    {
      title: "version",
      value: ({ version, current }) => versionCell(out, version.hash, current),
    },
    { title: "state", value: ({ state }) => state },
    { title: "generation", value: ({ generation }) => String(generation) },
    { title: "events", value: ({ events }) => String(events) },
    { title: "created", value: ({ createdAt }) => out.time(createdAt) },
    { title: "input", value: ({ input }) => valueCell(input) },
    { title: "result", value: (run) => run.state === "completed" ? valueCell(run.result) : "-" },
    { title: "error", value: ({ error }) => error === null ? "-" : errorText(error) },
  ];
  const rows = facts.map(({ title, value }) => ({ title, a: value(a) ?? "-", b: value(b) ?? "-" }))
    .filter((row) => row.a !== "-" || row.b !== "-");
  const columns: readonly Column<typeof rows[number]>[] = [
    { title: "RUN", cell: ({ title }) => title },
    { title: a.id, cell: (row) => row.a },
    { title: b.id, cell: (row) => row.b },
  ];
  if (out.isTerminal) yield* table(columns, rows, out.columns);
  else for (const row of rows) yield tabbed(columns.map(({ cell }) => cell(row)));
  if (answers !== null) {
    yield `event ${answers.event} has another value:`;
    yield* partingLines(answers, a.id, b.id);
  }
  if (diverges !== null) {
    yield `the histories diverge at event ${diverges.event}:`;
    yield* partingLines(diverges, a.id, b.id);
  }
  if (answers === null && diverges === null) yield "the histories have the same events and values";
  for (const { id, unavailable } of [a, b]) {
    if (unavailable !== null) yield `no line of ${id} is known: ${unavailable.message}`;
  }
  if (codeUnavailable !== null) yield `the code can't be compared: ${codeUnavailable.message}`;
  else if (code === null) yield "both runs are on the same version";
  else yield* diffLines(code, isBrief);
}

function* partingLines({ a, b }: Parting, first: string, second: string): Iterable<string> {
  for (const [id, { event, effect, site }] of [[first, a], [second, b]] as const) {
    yield `  ${id}  ${event === null ? endText(effect) : eventText(event)}`;
    if (site !== null) yield `    ${siteText(site)}  ${site.text?.trim() ?? ""}`.trimEnd();
  }
}

function endText(effect: PartingSide["effect"]): string {
  if (effect === null) return "has no further event";
  return `has no further event: it waits for ${effect.kind}${named(effect.name)}`;
}

function eventText({ kind, name, value }: NonNullable<PartingSide["event"]>): string {
  const text = kind.endsWith(".failed") ? errorText(value) : valueCell(value);
  const short = text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 1)}…` : text;
  return `${kind}${named(name)} ${short}`;
}

function named(name: string): string {
  return name === "" ? "" : ` ${JSON.stringify(name)}`;
}
