/**
 * `versions list`.
 *
 * @module
 */

import { listVersions } from "../../operate/versions.ts";
import { defineCommand } from "../command.ts";
import { counted } from "../output/words.ts";

/** Lists versions, the newest first. */
export const command = defineCommand<{ readonly workflow?: string }>({
  examples: [
    { text: "All registered versions", line: "versions list" },
    {
      text: "Hashes of the versions of one workflow",
      line: "versions list --workflow order --fields hash",
    },
  ],
  options: [{ flags: "--workflow <name>", text: "versions of this workflow" }],
  fields: ["hash", "workflow", "label", "current", "specifiers", "archived", "registeredAt"],
  async run({ options: { workflow }, client, out }) {
    await out.list({
      name: "versions",
      items: await listVersions(await client(), workflow),
      columns: [
        { title: "WORKFLOW", cell: ({ workflow }) => workflow },
        {
          title: "VERSION",
          id: true,
          cell: ({ hash }) => out.isTerminal ? hash.slice(0, 12) : hash,
        },
        { title: "CURRENT", cell: ({ current }) => current ? "*" : "-" },
        { title: "LABEL", cell: ({ label }) => label ?? "-" },
        { title: "REGISTERED", cell: ({ registeredAt }) => out.time(registeredAt) },
        { title: "BYTES", cell: ({ archived }) => archived ? "archived" : "by URL" },
        { title: "SOURCE", cell: ({ specifiers }) => specifiers[0] ?? "-" },
      ],
      footer: (count) => [counted(count, "version")],
    });
  },
});
