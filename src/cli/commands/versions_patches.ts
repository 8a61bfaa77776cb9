/**
 * `versions patches`: the calls of `patched`, and the runs that need each.
 *
 * @module
 */

import type { PatchesReport } from "../../operate/patches.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import type { Column } from "../output/table.ts";
import { counted } from "../output/words.ts";
import { whole } from "../readers.ts";

interface Options {
  readonly limit?: number;
}

type Patch = PatchesReport["patches"][number];

/** Lists patches. */
export const command = defineCommand<Options>({
  arguments: [["<workflow>", "The workflow's name, or the first digits of a version's hash"]],
  examples: [
    {
      text: "Which old branches may go, and which runs still need the others",
      line: "versions patches order",
    },
    {
      text: "The oldest run that needs each patch of one version",
      line: "versions patches 3f9a2c1 --fields name,oldest",
    },
  ],
  options: [
    {
      flags: "--limit <n>",
      text: "examine at most this many live runs, the oldest first; 10,000 if omitted",
      read: whole(1),
    },
  ],
  fields: ["name", "sites", "taken", "ahead", "old", "elsewhere", "oldest", "newest", "mayGo"],
  async run(context) {
    const { args, options, out } = context;
    const { limit } = options;
    const report = await context.read("versions.patches", { workflow: args[0]!, limit });
    const { patches, ...rest } = report;
    const remarks = () => remarksOf(report);
    await out.list<Patch>({
      name: "patches",
      items: patches,
      rest: () => rest,
      columns: columnsOf(context),
      footer: remarks,
      remarks,
    });
  },
});

function columnsOf({ out }: CommandContext): readonly Column<Patch>[] {
  const run = (found: Patch["oldest"]) =>
    found === null ? "-" : `${found.id}, ${out.time(found.createdAt)}`;
  return [
    { title: "PATCH", id: true, cell: ({ name }) => name },
    { title: "OLD BRANCH", cell: ({ mayGo }) => mayGo ? "may go" : "stays" },
    { title: "OLD", right: true, cell: ({ old }) => String(old) },
    { title: "ELSEWHERE", right: true, cell: ({ elsewhere }) => String(elsewhere) },
    { title: "NEW", right: true, cell: ({ taken, ahead }) => String(taken + ahead) },
    { title: "OLDEST", cell: ({ oldest }) => run(oldest) },
    { title: "NEWEST", cell: ({ newest }) => run(newest) },
    { title: "LINE", cell: ({ sites: [site] }) => placeOf(site!) },
  ];
}

function placeOf(
  { member, line, column, version }: Patch["sites"][number],
): string {
  return `${member.replace(/^\.\//, "")}:${line}:${column} of ${version.slice(0, 7)}`;
}

function remarksOf({ patches, versions, unread, computed, runs, more }: PatchesReport): string[] {
  const searched = `in ${counted(versions.length, "version")}, ` +
    `for ${counted(runs, "live run")} in all namespaces`;
  return [
    `${counted(patches.length, "patch", "patches")} ${searched}`,
    ...(more
      ? ["not all runs or versions were examined, so no old branch may go: use --limit"]
      : []),
    ...unread.map(({ version, message }) => `${version.slice(0, 7)} was not searched: ${message}`),
    ...computed.map((site) => `a call whose patch is computed is left out: ${placeOf(site)}`),
  ];
}
