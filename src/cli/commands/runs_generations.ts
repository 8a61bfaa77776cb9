/**
 * `runs generations`.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { counted, versionCell } from "../output/words.ts";
import { whole } from "../readers.ts";

interface Options {
  readonly from?: number;
  readonly limit?: number;
}

/** Lists the generations of a run: it continued as new, or was retried, between them. */
export const command = defineCommand<Options>({
  examples: [
    { text: "The generations of a run", line: "runs generations o-1041" },
    { text: "The history of its first one", line: "runs history o-1041 --generation 0" },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [
    { flags: "--from <n>", text: "the first generation, from 0", read: whole(0) },
    { flags: "--limit <n>", text: "how many; all if omitted", read: whole(1) },
  ],
  fields: ["number", "current", "version", "startedAt", "endedAt", "events"],
  async run({ args: [id], options, read, out }) {
    await out.list({
      name: "generations",
      items: await read("runs.generations", { id: id!, ...options }),
      columns: [
        { title: "GENERATION", right: true, cell: ({ number }) => String(number) },
        { title: "VERSION", cell: ({ version }) => versionCell(out, version.hash, null) },
        { title: "STARTED", cell: ({ startedAt }) => out.time(startedAt) },
        { title: "ENDED", cell: ({ endedAt }) => out.time(endedAt) },
        { title: "EVENTS", right: true, cell: ({ events }) => String(events) },
      ],
      footer: (count) => [counted(count, "generation")],
    });
  },
});
