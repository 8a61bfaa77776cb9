/**
 * `runs list`.
 *
 * @module
 */

import type { RunFilter, RunLines } from "../../operate/runs.ts";
import { listRunsEverywhere } from "../../operate/runs_everywhere.ts";
import type { RunLine } from "../../operate/run_lines.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import type { Column } from "../output/table.ts";
import { counted, NAMESPACE, versionCell, waitsFor } from "../output/words.ts";
import { UsageError } from "../errors.ts";
import { whole } from "../readers.ts";
import { watch } from "../watch.ts";
import { FILTER_OPTIONS, filterOf, type FilterOptions } from "./run_filter.ts";

interface Options extends FilterOptions {
  readonly limit?: number;
  readonly all?: boolean;
  readonly after?: string;
  readonly watch?: true;
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;

/** Lists runs, the newest first. */
export const command = defineCommand<Options>({
  examples: [
    { text: "Live runs, the newest first", line: "runs list" },
    {
      text: "Ids of all runs that failed in the last two hours",
      line: "runs list --state failed --ended-since 2h --all --fields id",
    },
  ],
  options: [
    ...FILTER_OPTIONS,
    {
      flags: "--limit <n>",
      text: `how many, from 1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} if omitted`,
      read: whole(1, MAX_LIMIT),
    },
    { flags: "--all", text: "all of them, page by page" },
    { flags: "--after <cursor>", text: "the next page: the cursor that the page before printed" },
    { flags: "--watch", text: "draw the page again every 2 seconds, on a terminal" },
  ],
  fields: [
    ...["id", "workflow", "version", "state", "current", "waits", "stuck", "attributes", "custom"],
    ...["createdAt", "startedAt", "endedAt", "since", "until", "troubleAt", "parent", "namespace"],
  ],
  async run(context) {
    const { options, out, signal } = context;
    if (options.all === true && options.limit !== undefined) {
      throw new UsageError("Cannot use --all and --limit at once: found both, wanted one");
    }
    const filter = filterOf(options, ["live"]);
    if (options.watch === true) {
      return await watch(out, () => printPage(context, filter), signal);
    }
    await printPage(context, filter);
  },
});

async function printPage(
  context: CommandContext<Options>,
  filter: RunFilter,
): Promise<void> {
  const { client, read, options, out } = context;
  const limit = options.all === true ? MAX_LIMIT : options.limit ?? DEFAULT_LIMIT;
  const listing = async (page: { limit: number; cursor: string | undefined }): Promise<RunLines> =>
    options.allNamespaces === true
      ? await listRunsEverywhere(await client(), filter, page)
      : await read("runs.list", { filter, ...page });
  let cursor: string | null = options.after ?? null;
  const isDefault = options.state === undefined;
  const next = () => cursor === null ? [] : [`next: the same options and --after ${cursor}`];
  async function* items() {
    do {
      const page = await listing({ limit, cursor: cursor ?? undefined });
      yield* page.runs;
      cursor = page.cursor;
    } while (options.all === true && cursor !== null);
  }
  await out.list({
    name: "runs",
    items: items(),
    columns: [
      ...(options.allNamespaces === true ? [NAMESPACE] : []),
      ...columnsOf(context),
    ],
    rest: () => ({ next: cursor }),
    footer: (count) => [
      `${counted(count, `${isDefault ? "live " : ""}run`)}${cursor === null ? "" : " and more"}${
        isDefault ? "; `--state any` for all" : ""
      }`,
      ...next(),
    ],
    remarks: () => [...(isDefault ? ["live runs; `--state any` for all"] : []), ...next()],
  });
}

function columnsOf({ out }: CommandContext): readonly Column<RunLine>[] {
  return [
    { title: "ID", id: true, cell: ({ id }) => id },
    { title: "WORKFLOW", cell: ({ workflow }) => workflow },
    { title: "VERSION", cell: ({ version, current }) => versionCell(out, version.hash, current) },
    {
      title: "STATE",
      cell: ({ state }) => out.isTerminal && state.startsWith("stuck_") ? "parked" : state,
    },
    { title: "WAITS FOR", cell: (run) => waitsFor(out, run) },
    { title: "CREATED", cell: ({ createdAt }) => out.time(createdAt) },
    {
      title: "CHANGED",
      cell: ({ endedAt, since, startedAt, createdAt }) =>
        out.time(endedAt ?? since ?? startedAt ?? createdAt),
    },
  ];
}
