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
import { type AskedPage, Pages, type PagingOptions, pagingOptions } from "../paging.ts";
import { watch } from "../watch.ts";
import { FILTER_OPTIONS, filterOf, type FilterOptions } from "./run_filter.ts";

interface Options extends FilterOptions, PagingOptions {
  readonly watch?: true;
}

const DEFAULT_LIMIT = 20;

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
    ...pagingOptions(DEFAULT_LIMIT),
    { flags: "--watch", text: "draw the page again every 2 seconds, on a terminal" },
  ],
  fields: [
    ...["id", "workflow", "version", "state", "current", "waits", "stuck", "attributes", "custom"],
    ...["createdAt", "startedAt", "endedAt", "since", "until", "troubleAt", "parent", "namespace"],
  ],
  async run(context) {
    const { options, out, signal } = context;
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
  const listing = async (page: AskedPage): Promise<RunLines> =>
    options.allNamespaces === true
      ? await listRunsEverywhere(await client(), filter, page)
      : await read("runs.list", { filter, ...page });
  const pages = new Pages<RunLine>(options, DEFAULT_LIMIT, async (page) => {
    const { runs, cursor } = await listing(page);
    return [runs, cursor];
  });
  const isDefault = options.state === undefined;
  await out.list({
    name: "runs",
    items: pages.items(),
    columns: [
      ...(options.allNamespaces === true ? [NAMESPACE] : []),
      ...columnsOf(context),
    ],
    rest: pages.rest,
    footer: (count) => [
      `${counted(count, `${isDefault ? "live " : ""}run`)}${pages.hasMore ? " and more" : ""}${
        isDefault ? "; `--state any` for all" : ""
      }`,
      ...pages.next(),
    ],
    remarks: () => [...(isDefault ? ["live runs; `--state any` for all"] : []), ...pages.next()],
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
