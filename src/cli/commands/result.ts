/**
 * `result`: what a run returned.
 *
 * @module
 */

import { awaitAndPrint, printResult } from "../awaited.ts";
import { defineCommand } from "../command.ts";

/** Prints what a run returned. */
export const command = defineCommand<{ readonly wait?: true }>({
  examples: [
    { text: "What run o-1 returned, as JSON", line: "result o-1" },
    {
      text: "Wait at most an hour for it; code 124 after that",
      line: "result o-1 --wait --timeout 1h",
    },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [{ flags: "--wait", text: "wait until the run ends" }],
  fields: ["id", "state", "output", "error"],
  async run(context) {
    const { args: [id], options, read } = context;
    if (options.wait === true) return await awaitAndPrint(context, id!);
    return printResult(context, await read("runs.result", { id: id! }));
  },
});
