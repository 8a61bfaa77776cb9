/**
 * `versions activate`: makes a version current.
 *
 * @module
 */

import { activateVersion } from "../../operate/activate.ts";
import { defineCommand } from "../command.ts";

/** Makes a version current. */
export const command = defineCommand({
  examples: [
    { text: "New runs of order take this version", line: "versions activate order 3f9a2c1" },
    { text: "What would change", line: "versions activate order 3f9a2c1 --dry-run" },
  ],
  arguments: [
    ["<workflow>", "the workflow's name"],
    ["<hash>", "the version's hash, or the beginning of it"],
  ],
  fields: ["workflow", "version", "before"],
  acts: { needsReason: false },
  async run(context) {
    const { args: [workflow, hash], announce, client, out } = context;
    const activation = await activateVersion(await client(), workflow!, hash!, announce);
    const { version, before } = activation;
    const was = before === null || before === version ? "" : `, before ${before.slice(0, 12)}`;
    out.document(activation, () => [`${workflow} is current at ${version.slice(0, 12)}${was}`]);
  },
});
