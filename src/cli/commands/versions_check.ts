/**
 * `versions check`: whether everything that runs and schedules need can be executed.
 *
 * @module
 */

import { checkNeeded, type CheckReport } from "../../operate/preflight.ts";
import { standInWorkingFolder } from "../../operate/modules.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { counted } from "../output/words.ts";
import { duration } from "../readers.ts";

interface Options {
  /** `--no-import` */
  readonly import?: boolean;
  readonly deadline?: number;
}

/** Checks the versions that are needed. */
export const command = defineCommand<Options>({
  examples: [
    {
      text: "Can all that runs and schedules need be executed? Code 3 if not",
      line: "versions check",
    },
    { text: "Bytes and packages alone, without an import", line: "versions check --no-import" },
  ],
  options: [
    { flags: "--no-import", text: "don't import the versions in a subprocess" },
    {
      flags: "--deadline <duration>",
      text: "how long the import of a version may take; 30s if omitted",
      read: duration,
    },
  ],
  fields: ["state", "cause", "codes", "versions", "live", "schedules"],
  async run({ options, client, out }) {
    standInWorkingFolder();
    let done = 0;
    const report = await checkNeeded(await client(), {
      import: options.import !== false,
      ...(options.deadline === undefined ? {} : { timeout: options.deadline }),
      onChecked: (_, total) => out.progress("checking", ++done, total),
    });
    const { groups, ...rest } = report;
    await out.list({
      name: "groups",
      items: groups,
      rest: () => rest,
      columns: [
        { title: "STATE", cell: ({ state }) => state },
        { title: "VERSIONS", cell: ({ versions }) => versionsOf(versions, report) },
        { title: "RUNS", right: true, cell: ({ live }) => String(live) },
        { title: "SCHEDULES", right: true, cell: ({ schedules }) => String(schedules) },
        { title: "OLDEST", cell: ({ versions }) => out.time(oldestOf(versions, report)) },
        { title: "CAUSE", cell: ({ cause }) => cause ?? "-" },
      ],
      footer: () => linesOf(report),
      remarks: () => linesOf(report),
    });
    return report.ok ? EXIT.done : EXIT.found;
  },
});

function versionsOf(hashes: readonly string[], { versions }: CheckReport): string {
  if (hashes.length > 1) return String(hashes.length);
  const version = versions.find(({ hash }) => hash === hashes[0])!;
  return `${version.workflow} ${version.hash.slice(0, 12)}`;
}

function oldestOf(hashes: readonly string[], { versions }: CheckReport): string | null {
  const times = versions.flatMap(({ hash, oldest }) =>
    hashes.includes(hash) && oldest !== null ? [oldest] : []
  );
  return times.sort()[0] ?? null;
}

function linesOf(report: CheckReport): string[] {
  const { unchecked: { computed, noNode } } = report;
  const lines = [summaryOf(report), ...unarchivedLines(report)];
  if (noNode > 0) {
    lines.push(`not checked: ${counted(noNode, "call")} of activities by name: no node is alive`);
  }
  if (computed > 0) {
    lines.push(
      `not checked: ${counted(computed, "call")} of activities and child workflows that pass a ` +
        "definition or compute the name",
    );
  }
  return lines;
}

/** Packages without which an image can't execute the versions, since the archive lacks them. */
function unarchivedLines({ versions }: CheckReport): string[] {
  const all = versions.flatMap(({ unarchived }) => unarchived);
  const bySpecifier = Map.groupBy(all, ({ specifier }) => specifier);
  return [...bySpecifier].map(([specifier, found]) =>
    `needed in each image, for ${
      counted(found.length, "version")
    }: ${specifier}, which is not in ` +
    `the archive: ${found[0]!.reason}`
  );
}

function summaryOf({ versions, live, schedules, empty }: CheckReport): string {
  if (empty) return "no run and no schedule needs a version";
  return `${counted(versions.length, "version")} needed by ${counted(live, "live run")} and ` +
    `${counted(schedules, "schedule")}, in all namespaces`;
}
