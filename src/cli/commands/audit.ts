/**
 * `audit`: lists what operators did.
 *
 * @module
 */

import {
  ACTION_FILTERS,
  type OperationFilter,
  type OperationLine,
} from "../../operate/operations.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import type { Column } from "../output/table.ts";
import { counted } from "../output/words.ts";
import { Pages, type PagingOptions, pagingOptions } from "../paging.ts";
import { oneOf, timeAgo } from "../readers.ts";

type Options = OperationFilter & PagingOptions;

const DEFAULT_LIMIT = 20;

/** Lists what operators did, the newest first. */
export const command = defineCommand<Options>({
  examples: [
    { text: "What was done last, by whom, and why", line: "audit" },
    { text: "Who ended this run, or moved it", line: "audit --run o-1" },
    {
      text: "All denials and activations of versions of the last week",
      line: "audit --action version --since 7d --all",
    },
  ],
  options: [
    { flags: "--run <id>", text: "acts on this run" },
    { flags: "--target <text>", text: "acts on this run, schedule, job, version or workflow" },
    {
      flags: "--action <action>",
      text: "acts of this kind: run.cancel, or a group: run, version, schedule",
      read: oneOf(ACTION_FILTERS),
    },
    { flags: "--as <name>", text: "acts in this name" },
    { flags: "--since <time>", text: "since then: 2h, or 2026-01-31T12:00Z", read: timeAgo },
    ...pagingOptions(DEFAULT_LIMIT),
  ],
  fields: [
    ...["at", "as", "proven", "action", "namespace", "target", "reason", "before", "after"],
    "outcome",
  ],
  async run(context) {
    const { read, options, out } = context;
    const { run, target, action, as, since } = options;
    const filter = { run, target, action, as, since };
    const pages = new Pages<OperationLine>(options, DEFAULT_LIMIT, async (page) => {
      const { operations, cursor } = await read("audit", { ...filter, ...page });
      return [operations, cursor];
    });
    if (run !== undefined && target !== undefined) {
      throw new UsageError("Cannot use --run and --target at once: found both, wanted one");
    }
    await out.list({
      name: "operations",
      items: pages.items(),
      columns: columnsOf(context),
      rest: pages.rest,
      footer: (count) => [
        `${counted(count, "act")}${pages.hasMore ? " and more" : ""}`,
        ...pages.next(),
      ],
      remarks: pages.next,
    });
  },
});

function columnsOf({ out }: Pick<CommandContext, "out">): readonly Column<OperationLine>[] {
  return [
    { title: "AT", cell: ({ at }) => out.time(at) },
    { title: "BY", cell: ({ as, proven }) => proven ? as : `${as} (claimed)` },
    { title: "ACTION", cell: ({ action }) => action },
    { title: "TARGET", id: true, cell: ({ target }) => target },
    { title: "OUTCOME", cell: ({ outcome }) => outcome },
    { title: "CHANGE", cell: changeOf },
    { title: "REASON", cell: ({ reason }) => reason ?? "-" },
  ];
}

/** What has changed: `state: suspended → terminated`. */
function changeOf({ before, after }: OperationLine): string {
  const changes = Object.entries(after ?? {}).flatMap(([name, value]) => {
    const was = before?.[name];
    if (text(was) === text(value)) return [];
    return [`${name}: ${was === undefined ? "" : `${text(was)} → `}${text(value)}`];
  });
  return changes.length === 0 ? "-" : changes.join(", ");
}

/** A hash is cut as everywhere in tables. */
function text(value: unknown): string {
  const shown = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  return /^[0-9a-f]{64}$/.test(shown) ? shown.slice(0, 12) : shown;
}
