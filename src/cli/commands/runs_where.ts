/**
 * `runs where`.
 *
 * @module
 */

import type { RunPlace } from "../../operate/runs.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import type { Output } from "../output/output.ts";
import { commandLine } from "../../operate/shell.ts";
import { siteText, sourceLines } from "../output/source_lines.ts";
import { span } from "../output/times.ts";
import { errorText, sentenceText, valueCell, versionName } from "../output/words.ts";
import { duration, whole } from "../readers.ts";
import { driftLines } from "./drift.ts";

interface Options {
  readonly at?: number;
  readonly generation?: number;
  readonly around?: number;
  readonly deadline?: number;
}

type Waits = NonNullable<RunPlace["waits"]>;
type Place = Waits["waiting"][number];

/** How long the subprocess may take, unless the command says otherwise. */
const DEADLINE_MS = 10_000;

/** Shows the line of the pinned source at which a run waits. */
export const command = defineCommand<Options>({
  examples: [
    { text: "The line at which a run waits", line: "runs where o-1041" },
    { text: "Where it waited after its first 3 events", line: "runs where o-1041 --at 3" },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [
    { flags: "--at <n>", text: "as it was after this many events", read: whole(0) },
    { flags: "--generation <n>", text: "an earlier generation, from 0", read: whole(0) },
    { flags: "--around <n>", text: "lines before and after; 2 if omitted", read: whole(0, 100) },
    {
      flags: "--deadline <duration>",
      text: "how long the subprocess that replays the code may take; 10s if omitted",
      read: duration,
    },
  ],
  fields: ["run", "waits", "unavailable", "last"],
  async run({ args: [id], options: { deadline, ...options }, read, out }) {
    const place = await read("runs.where", {
      ...options,
      id: id!,
      timeout: deadline ?? DEADLINE_MS,
    });
    out.document(place, () => linesOf(place, out));
    return place.waits === null ? EXIT.failed : EXIT.done;
  },
});

function* linesOf({ run, waits, unavailable, last }: RunPlace, out: Output): Iterable<string> {
  if (waits === null) {
    yield `${run.id} is ${run.state}${run.reason === null ? "" : `: ${sentenceText(run.reason)}`}`;
    yield `the line can't be found: ${unavailable?.message}`;
    if (last !== null) {
      yield `last event: ${last.kind} ${JSON.stringify(last.name)} ${out.time(last.at)}`;
    }
    return;
  }
  if (waits.waiting.length === 0) {
    yield `${run.id} waits for nothing: it is ${run.state}`;
    if (run.error !== null) yield errorText(run.error);
  }
  for (const [index, place] of waits.waiting.entries()) {
    if (index > 0) yield "";
    yield* placeLines(run.id, place, waits, out);
  }
  yield* driftLines(waits);
  yield* stopLines(waits);
}

/** Where the code stopped before its end. */
function* stopLines({ workflow, version, from, stopped }: Waits): Iterable<string> {
  if (stopped === null) return;
  const { site, lines } = stopped;
  yield `it stopped at ${siteText(site)} of ${workflow} ${
    versionName(version)
  } (${from}, bytes verified)`;
  if (lines.length > 0) yield "";
  yield* sourceLines(site, lines);
}

function* placeLines(
  id: string,
  place: Place,
  { workflow, version, from }: Waits,
  out: Output,
): Iterable<string> {
  const { kind, name, since, until, site, calls, lines } = place;
  const what = name === "" ? kind : `${kind} ${JSON.stringify(name)}`;
  const for_ = span(Date.now() - Date.parse(since));
  yield `${id} has waited ${for_} for ${what}${until === null ? "" : `, ends ${out.time(until)}`}`;
  if (site === null) return;
  yield `${siteText(site)} of ${workflow} ${versionName(version)} (${from}, bytes verified)`;
  if (lines.length > 0) yield "";
  yield* sourceLines(site, lines);
  for (const call of calls.slice(1)) yield `     called from ${siteText(call)}`;
  if (kind === "signal") {
    yield "";
    yield `answer it: ${commandLine("signal", [id, name, valueCell("...")])}`;
  }
}
