/**
 * `versions list`.
 *
 * @module
 */

import { VERSION_STATES, type VersionLine, type VersionState } from "../../operate/versions.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import type { Column } from "../output/table.ts";
import { counted } from "../output/words.ts";
import { whole } from "../readers.ts";

interface Options {
  readonly workflow?: string;
  readonly state?: string;
  readonly limit?: number;
  readonly all?: boolean;
  readonly after?: string;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

/** Lists versions, the newest first. */
export const command = defineCommand<Options>({
  examples: [
    { text: "The newest versions, and what needs each", line: "versions list" },
    {
      text: "Hashes of the old versions of one workflow that runs still need",
      line: "versions list --workflow order --state draining --all --fields hash",
    },
  ],
  options: [
    { flags: "--workflow <name>", text: "versions of this workflow" },
    { flags: "--state <state>", text: `versions in this state: ${VERSION_STATES.join(", ")}` },
    {
      flags: "--limit <n>",
      text: `how many, from 1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} if omitted`,
      read: whole(1, MAX_LIMIT),
    },
    { flags: "--all", text: "all of them, page by page" },
    { flags: "--after <cursor>", text: "the next page: the cursor that the page before printed" },
  ],
  fields: [
    ...["hash", "workflow", "label", "state", "current", "live", "oldestLive", "lastStart"],
    ...["schedules", "nodes", "specifiers", "archived", "bytes", "registeredAt", "denied"],
  ],
  async run(context) {
    const { read, options, out } = context;
    const { workflow, state, all = false, limit = all ? MAX_LIMIT : DEFAULT_LIMIT } = options;
    if (all && options.limit !== undefined) {
      throw new UsageError("Cannot use --all and --limit at once: found both, wanted one");
    }
    let cursor: string | null = options.after ?? null;
    const next = () => cursor === null ? [] : [`next: the same options and --after ${cursor}`];
    async function* items() {
      do {
        const page = await read("versions.list", {
          limit,
          ...(workflow === undefined ? {} : { workflow }),
          ...(state === undefined ? {} : { state: state as VersionState }),
          ...(cursor === null ? {} : { cursor }),
        });
        yield* page.versions;
        cursor = page.cursor;
      } while (all && cursor !== null);
    }
    await out.list({
      name: "versions",
      items: items(),
      columns: columnsOf(context),
      rest: () => ({ next: cursor }),
      footer: (count) => [
        `${counted(count, "version")}${cursor === null ? "" : " and more"}`,
        ...next(),
      ],
      remarks: next,
    });
  },
});

function columnsOf({ out }: CommandContext): readonly Column<VersionLine>[] {
  const time = (at: string | null) => at === null ? "-" : out.time(at);
  return [
    { title: "WORKFLOW", cell: ({ workflow }) => workflow },
    {
      title: "VERSION",
      id: true,
      cell: ({ hash, current }) =>
        out.isTerminal ? `${hash.slice(0, 12)}${current ? " *" : ""}` : hash,
    },
    { title: "STATE", cell: ({ state }) => state },
    { title: "LIVE", cell: ({ live }) => live >= 1_000 ? "1,000+" : String(live) },
    { title: "OLDEST", cell: ({ oldestLive }) => time(oldestLive) },
    { title: "LAST START", cell: ({ lastStart }) => time(lastStart) },
    {
      title: "NODES",
      cell: ({ nodes: { alive, refusing } }) => `${alive - refusing.length}/${alive}`,
    },
    { title: "BYTES", cell: ({ archived, bytes }) => archived ? String(bytes) : "not archived" },
    { title: "SOURCE", cell: ({ specifiers }) => specifiers[0] ?? "-" },
  ];
}
