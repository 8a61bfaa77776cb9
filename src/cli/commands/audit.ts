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
import { oneOf, timeAgo, whole } from "../readers.ts";

interface Options extends OperationFilter {
  readonly limit?: number;
  readonly all?: boolean;
  readonly after?: string;
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;

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
    {
      flags: "--limit <n>",
      text: `how many, from 1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} if omitted`,
      read: whole(1, MAX_LIMIT),
    },
    { flags: "--all", text: "all of them, page by page" },
    { flags: "--after <cursor>", text: "the next page: the cursor that the page before printed" },
  ],
  fields: [
    ...["at", "as", "proven", "action", "namespace", "target", "reason", "before", "after"],
    "outcome",
  ],
  async run(context) {
    const { read, options, out } = context;
    const { run, target, action, as, since, all = false } = options;
    if (all && options.limit !== undefined) {
      throw new UsageError("Cannot use --all and --limit at once: found both, wanted one");
    }
    if (run !== undefined && target !== undefined) {
      throw new UsageError("Cannot use --run and --target at once: found both, wanted one");
    }
    const limit = all ? MAX_LIMIT : options.limit ?? DEFAULT_LIMIT;
    let cursor: string | null = options.after ?? null;
    async function* items() {
      do {
        const asked = { limit, cursor: cursor ?? undefined };
        const page = await read("audit", { run, target, action, as, since, ...asked });
        yield* page.operations;
        cursor = page.cursor;
      } while (all && cursor !== null);
    }
    const next = () => cursor === null ? [] : [`next: the same options and --after ${cursor}`];
    await out.list({
      name: "operations",
      items: items(),
      columns: columnsOf(context),
      rest: () => ({ next: cursor }),
      footer: (count) => [
        `${counted(count, "act")}${cursor === null ? "" : " and more"}`,
        ...next(),
      ],
      remarks: next,
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
