/**
 * `runs count`.
 *
 * @module
 */

import { countRunsEverywhere } from "../../operate/runs_everywhere.ts";
import { defineCommand } from "../command.ts";
import { whole } from "../readers.ts";
import { FILTER_OPTIONS, filterOf, type FilterOptions } from "./run_filter.ts";

interface Options extends FilterOptions {
  readonly limit?: number;
}

/** Counts runs. */
export const command = defineCommand<Options>({
  examples: [
    { text: "Live runs", line: "runs count" },
    { text: "Runs on old versions, up to 1,001", line: "runs count --version old --limit 1001" },
  ],
  options: [
    ...FILTER_OPTIONS,
    { flags: "--limit <n>", text: "stop counting here", read: whole(1, 1_000_000) },
  ],
  fields: ["count", "more"],
  async run({ client, read, options, out }) {
    const { limit, allNamespaces } = options;
    const filter = filterOf(options, ["live"]);
    const count = allNamespaces === true
      ? await countRunsEverywhere(await client(), filter, limit)
      : await read("runs.count", { filter, limit });
    const more = count === limit;
    out.document({ count, more }, () => [`${count}${more ? "+" : ""}`]);
    if (options.state === undefined) out.note("live runs; `--state any` for all");
  },
});
