/**
 * `runs count`.
 *
 * @module
 */

import { countRuns } from "../../operate/runs.ts";
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
  async run({ client, options, out }) {
    const { limit, allNamespaces } = options;
    const counting = allNamespaces === true ? countRunsEverywhere : countRuns;
    const count = await counting(await client(), filterOf(options, ["live"]), limit);
    const more = count === limit;
    out.document({ count, more }, () => [`${count}${more ? "+" : ""}`]);
    if (options.state === undefined) out.note("live runs; `--state any` for all");
  },
});
