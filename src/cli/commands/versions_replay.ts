/**
 * `versions replay`: replays live histories on code before it is deployed.
 *
 * @module
 */

import { causeLine, siteLine } from "../../operate/causes.ts";
import { given } from "../../operate/client.ts";
import { junitOf } from "../../operate/junit.ts";
import { replayOn, type ReplayOptions, type ReplayReport } from "../../operate/preflight.ts";
import { standInWorkingFolder } from "../../operate/modules.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { counted } from "../output/words.ts";
import { duration, json, whole } from "../readers.ts";

interface Options {
  readonly sample?: number;
  readonly newest?: true;
  readonly spread?: true;
  readonly where?: NonNullable<ReplayOptions["where"]>;
  readonly ended?: number;
  readonly concurrency?: number;
  readonly deadline?: number;
  readonly allowEmpty?: true;
  readonly junit?: string;
}

/** Replays live histories on code. */
export const command = defineCommand<Options>({
  examples: [
    {
      text: "Would the runs that wait replay on this code? Code 3 if one does not",
      line: "versions replay ./workflows/order.ts",
    },
    {
      text: "In continuous integration",
      line: "versions replay ./workflows/order.ts --ended 1d --junit replay.xml",
    },
  ],
  arguments: [
    ["<code>", "the path or URL of a workflow module, or a version's hash or the beginning of it"],
  ],
  options: [
    { flags: "--sample <n>", text: "the most runs; 1000 if omitted", read: whole(1, 100_000) },
    { flags: "--spread", text: "draw from each kind of run in turn; the default" },
    { flags: "--newest", text: "take the newest runs" },
    { flags: "--where <json>", text: "a condition, as runs.query takes it", read: json },
    {
      flags: "--ended <duration>",
      text: "include runs that ended within this time, such as 1d",
      read: duration,
    },
    {
      flags: "--concurrency <n>",
      text: "how many subprocesses replay at a time; 2 if omitted",
      read: whole(1, 16),
    },
    {
      flags: "--deadline <duration>",
      text: "how long a subprocess may take for 100 runs; 30s if omitted",
      read: duration,
    },
    { flags: "--allow-empty", text: "code 0 also if there is no run to replay" },
    { flags: "--junit <file>", text: "write a report in JUnit's format" },
  ],
  fields: ["verdict", "runs", "cause", "examples"],
  async run({ args: [code], options, client, out, signal }) {
    const { newest, spread, deadline, junit, allowEmpty = false } = options;
    const { sample, where, ended, concurrency } = options;
    if (newest === true && spread === true) {
      throw new UsageError("Cannot use --newest and --spread at once: found both, wanted one");
    }
    standInWorkingFolder();
    let done = 0;
    const report = await replayOn(await client(), code!, {
      ...given({ sample, where, ended, concurrency, timeout: deadline }),
      allowEmpty,
      signal,
      pick: newest === true ? "newest" : "spread",
      onVerdict: (_, total) => out.progress("replaying", ++done, total),
    });
    if (junit !== undefined) await Deno.writeTextFile(junit, junitOf(report));
    const { groups, ...summary } = report;
    await out.list({
      name: "groups",
      items: groups,
      rest: () => summary,
      columns: [
        { title: "VERDICT", cell: ({ verdict }) => verdict },
        { title: "RUNS", right: true, cell: ({ runs }) => String(runs) },
        { title: "OLD", cell: ({ cause }) => siteLine(cause?.recordedAt ?? null) },
        { title: "NEW", cell: ({ cause }) => siteLine(cause?.requestedAt ?? null) },
        { title: "CAUSE", cell: ({ cause }) => cause === null ? "-" : causeLine(cause) },
        { title: "EXAMPLES", cell: ({ examples }) => examples.slice(0, 3).join(", ") },
      ],
      footer: () => summaryOf(report),
      remarks: () => summaryOf(report),
    });
    return report.ok ? EXIT.done : EXIT.found;
  },
});

function summaryOf(report: ReplayReport): string[] {
  const { workflow, version, empty, replayed, found, more, changedSince } = report;
  const on = `${workflow} ${version.slice(0, 12)}`;
  if (empty) return [`no run of ${workflow} has a history to replay on ${on}`];
  const since = changedSince === 0 ? "" : `, and ${changedSince} have new events since`;
  const of = replayed === found && !more ? "" : ` of ${found}${more ? " or more" : ""}`;
  return [`${counted(replayed, "run")}${of} replayed on ${on}${since}`];
}
