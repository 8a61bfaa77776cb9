/**
 * `nodes`.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { counted } from "../output/words.ts";

/** Lists the nodes that are alive. */
export const command = defineCommand({
  examples: [
    { text: "The nodes that are alive", line: "nodes" },
    { text: "Which versions each can't load", line: "nodes --fields id,cannotLoad" },
    { text: "Which versions each has in memory", line: "nodes --fields id,loaded" },
  ],
  fields: [
    ...["id", "name", "startedAt", "leasedUntil", "queues", "activities", "tasks", "concurrency"],
    ...["loaded", "cannotLoad"],
  ],
  async run({ read, out }) {
    await out.list({
      name: "nodes",
      items: await read("nodes", {}),
      columns: [
        { title: "ID", id: true, cell: ({ id }) => id },
        { title: "NAME", cell: ({ name }) => name },
        { title: "STARTED", cell: ({ startedAt }) => out.time(startedAt) },
        { title: "QUEUES", cell: ({ queues }) => queues?.join(", ") ?? "-" },
        { title: "TASKS", right: true, cell: ({ tasks }) => String(tasks) },
        { title: "CAN'T LOAD", right: true, cell: ({ cannotLoad }) => String(cannotLoad.length) },
      ],
      footer: (count) => [counted(count, "node")],
    });
  },
});
