/**
 * `runs history`.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { valueCell } from "../output/words.ts";
import { whole } from "../readers.ts";

interface Options {
  readonly generation?: number;
  readonly from?: number;
  readonly limit?: number;
}

/** Prints the history of a run, with decoded values. */
export const command = defineCommand<Options>({
  examples: [
    { text: "All events of the present generation", line: "runs history o-1041" },
    {
      text: "Events 100 to 119, a JSON line each",
      line: "runs history o-1041 --from 100 --limit 20 --jsonl",
    },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [
    { flags: "--generation <n>", text: "an earlier generation, from 0", read: whole(0) },
    { flags: "--from <n>", text: "skip this many entries", read: whole(0) },
    { flags: "--limit <n>", text: "how many entries; all if omitted", read: whole(1) },
  ],
  fields: ["seq", "kind", "position", "name", "value", "at"],
  async run({ args: [id], options, read, out }) {
    const items = await read("runs.history", { id: id!, ...options });
    await out.list({
      name: "history",
      items,
      columns: [
        { title: "SEQ", right: true, cell: ({ seq }) => seq === null ? "-" : String(seq) },
        { title: "AT", cell: ({ at }) => out.time(at) },
        { title: "KIND", cell: ({ kind }) => kind },
        { title: "NAME", cell: ({ name }) => name === "" ? "-" : name },
        { title: "VALUE", cell: ({ value }) => valueCell(value) },
      ],
    });
  },
});
