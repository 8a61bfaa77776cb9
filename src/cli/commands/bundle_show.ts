/**
 * `bundle show`.
 *
 * @module
 */

import {
  type BundledRunLine,
  type BundleSummary,
  describeBundle,
  openBundleFile,
  timelineOfBundle,
} from "../../operate/bundles.ts";
import { defineCommand } from "../command.ts";
import { effectLines } from "../output/effects.ts";
import type { Output } from "../output/output.ts";
import { counted, errorText } from "../output/words.ts";
import { whole } from "../readers.ts";

interface Options {
  readonly run?: string;
  readonly generation?: number;
}

/** Shows what a bundle holds, after all of its digests were verified. */
export const command = defineCommand<Options>({
  examples: [
    { text: "What a file holds, and whether it is sound", line: "bundle show o-1041.bundle" },
    {
      text: "The timeline of a run of a redacted bundle",
      line: "bundle show report.bundle --run o-1041",
    },
  ],
  arguments: [["<file>", "a bundle that `runs export` wrote"]],
  options: [
    { flags: "--run <id>", text: "of a redacted bundle: the run whose timeline is shown" },
    {
      flags: "--generation <n>",
      text: "its generation, from 0; the last if omitted",
      read: whole(0),
    },
  ],
  fields: ["engine", "exportedAt", "redacted", "bytes", "sha256", "runs", "versions", "timeline"],
  async run({ args: [file], options: { run, generation }, out }) {
    const opened = await openBundleFile(file!);
    const summary = describeBundle(opened);
    const timeline = summary.redacted === null ? null : timelineOfBundle(opened.bundle, {
      ...(run === undefined ? {} : { runId: run }),
      ...(generation === undefined ? {} : { generation }),
    });
    out.document({ ...summary, timeline }, function* () {
      yield* summaryLines(summary, out);
      if (timeline === null) return;
      yield "";
      yield `timeline of ${timeline.runId}, generation ${timeline.generation}:`;
      yield* effectLines(timeline.effects, out);
    });
  },
});

function* summaryLines(summary: BundleSummary, out: Output): Iterable<string> {
  const { engine, exportedAt, redacted, bytes, runs, versions } = summary;
  const what = redacted === null ? "" : "; redacted: the timeline, and no payloads";
  yield `sound: ${counted(bytes, "byte")}, written by ${engine} at ${out.time(exportedAt)}${what}`;
  for (const run of runs) yield* runLines(run);
  for (const { hash, entry, trouble, modules, packages } of versions) {
    if (entry === null) {
      yield `version ${hash.slice(0, 12)}: without code: ${trouble}`;
      continue;
    }
    yield `version ${hash.slice(0, 12)}: ${entry}, ${counted(modules.length, "module")}`;
    for (const { specifier, integrity } of packages) {
      yield `  needs ${specifier}${integrity === null ? "" : ` (${integrity})`}`;
    }
  }
}

function* runLines(run: BundledRunLine): Iterable<string> {
  const { id, workflow, state, parent, origin, stuck, error, generations, inbox, activities } = run;
  yield `run ${id}: ${workflow}, ${state}${parent === null ? "" : `, child of ${parent}`}`;
  if (origin !== null) yield `  forked from ${origin.id} after ${counted(origin.events, "event")}`;
  if (stuck !== null) yield `  parked: ${stuck}`;
  if (error !== null) yield `  error: ${errorText(error)}`;
  for (const { number, version, events } of generations) {
    yield `  generation ${number}: ${counted(events, "event")}, version ${version.slice(0, 12)}`;
  }
  for (const { kind, name } of inbox) yield `  unread: ${kind} ${JSON.stringify(name)}`;
  for (const { name, state, attempt, lastError } of activities) {
    const why = lastError === null ? "" : `; the last failed: ${errorText(lastError)}`;
    yield `  activity ${JSON.stringify(name)}: attempt ${attempt}, ${state}${why}`;
  }
}
