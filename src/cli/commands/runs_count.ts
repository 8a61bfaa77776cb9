/**
 * `runs count`.
 *
 * @module
 */

import { defineCommand } from "../command.ts";

/** Counts runs. */
export const command = defineCommand({
  examples: [{ text: "All runs", line: "runs count" }],
  fields: ["count"],
  async run({ client, out }) {
    const count = await (await client()).runs.count();
    out.document({ count }, () => [String(count)]);
  },
});
