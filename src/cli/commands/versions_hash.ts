/**
 * `versions hash`: the version that a module has now, without a database.
 *
 * @module
 */

import { hashModule } from "../../operate/preflight.ts";
import { standInWorkingFolder } from "../../operate/modules.ts";
import { defineCommand } from "../command.ts";

/** Computes the version that a module has now. */
export const command = defineCommand<{ readonly manifest?: true }>({
  examples: [
    { text: "The version of a module as it is now", line: "versions hash ./workflows/order.ts" },
    {
      text: "The text that is hashed, to compare it with that of another machine",
      line: "versions hash ./workflows/order.ts --manifest",
    },
  ],
  arguments: [["<module>", "the path or URL of a workflow module"]],
  options: [{ flags: "--manifest", text: "print the manifest in place of its hash" }],
  fields: ["specifier", "hash", "entry", "members", "packages", "manifest", "diagnostics"],
  async run({ args: [module], options, out }) {
    standInWorkingFolder();
    const found = await hashModule(module!);
    for (const { message } of found.diagnostics) out.note(message);
    out.document(
      found,
      () => options.manifest === true ? found.manifest.trimEnd().split("\n") : [found.hash],
    );
  },
});
