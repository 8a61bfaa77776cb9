/**
 * `versions list`.
 *
 * @module
 */

import { VERSION_STATES, type VersionLine, type VersionState } from "../../operate/versions.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import type { Column } from "../output/table.ts";
import { counted } from "../output/words.ts";
import { Pages, type PagingOptions, pagingOptions } from "../paging.ts";

interface Options extends PagingOptions {
  readonly workflow?: string;
  readonly state?: string;
}

const DEFAULT_LIMIT = 50;

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
    ...pagingOptions(DEFAULT_LIMIT),
  ],
  fields: [
    ...["hash", "workflow", "label", "state", "current", "live", "oldestLive", "lastStart"],
    ...["schedules", "nodes", "specifiers", "archived", "bytes", "registeredAt", "denied"],
    "signatures",
  ],
  async run(context) {
    const { read, options, out } = context;
    const { workflow, state } = options;
    const filter = {
      ...(workflow === undefined ? {} : { workflow }),
      ...(state === undefined ? {} : { state: state as VersionState }),
    };
    const pages = new Pages<VersionLine>(
      options,
      DEFAULT_LIMIT,
      async ({ limit, cursor: after }) => {
        const cursor = after === undefined ? {} : { cursor: after };
        const page = await read("versions.list", { ...filter, limit, ...cursor });
        return [page.versions, page.cursor];
      },
    );
    await out.list({
      name: "versions",
      items: pages.items(),
      columns: columnsOf(context),
      rest: pages.rest,
      footer: (count) => [
        `${counted(count, "version")}${pages.hasMore ? " and more" : ""}`,
        ...pages.next(),
      ],
      remarks: pages.next,
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
    {
      title: "SIGNED BY",
      cell: ({ signatures }) =>
        signatures.map(({ key, verified }) =>
          `${out.isTerminal ? key.slice(0, 8) : key}${
            verified === false ? " (not valid here)" : ""
          }`
        ).join(", ") || "-",
    },
    { title: "BYTES", cell: ({ archived, bytes }) => archived ? String(bytes) : "not archived" },
    { title: "SOURCE", cell: ({ specifiers }) => specifiers[0] ?? "-" },
  ];
}
