/**
 * `runs jobs`: lists changes of many runs.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { NAMESPACE } from "../output/words.ts";
import { whole } from "../readers.ts";
import { ALL_NAMESPACES } from "./run_filter.ts";

/** Lists changes of many runs. */
export const command = defineCommand<{ readonly limit?: number; readonly allNamespaces?: true }>({
  examples: [
    { text: "The newest jobs, and which of them can be continued", line: "runs jobs" },
    { text: "Their ids and states", line: "runs jobs --jsonl --fields id,state" },
  ],
  options: [
    {
      flags: "--limit <n>",
      text: "at most this many; 20 if omitted",
      read: whole(1, 1_000),
    },
    ALL_NAMESPACES,
  ],
  fields: [
    ...[
      "id",
      "kind",
      "namespace",
      "workflow",
      "to",
      "state",
      "driver",
      "examined",
      "again",
      "counts",
    ],
    ...["createdAt", "updatedAt", "endedAt"],
  ],
  async run({ read, options: { limit = 20, allNamespaces }, out }) {
    await out.list({
      name: "jobs",
      items: await read("runs.jobs", { limit, everywhere: allNamespaces }),
      columns: [
        ...(allNamespaces === true ? [NAMESPACE] : []),
        { title: "JOB", id: true, cell: ({ id }) => id },
        { title: "KIND", cell: ({ kind }) => kind },
        { title: "WORKFLOW", cell: ({ workflow }) => workflow ?? "-" },
        { title: "TO", cell: ({ to }) => to?.slice(0, 12) ?? "-" },
        { title: "STATE", cell: ({ state }) => state },
        { title: "DONE", right: true, cell: ({ counts }) => String(counts.moved ?? counts.done) },
        { title: "EXAMINED", right: true, cell: ({ examined }) => String(examined) },
        { title: "BEGUN", cell: ({ createdAt }) => out.time(createdAt) },
      ],
    });
  },
});
