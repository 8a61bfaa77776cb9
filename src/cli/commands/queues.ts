/**
 * `queues`.
 *
 * @module
 */

import { defineCommand } from "../command.ts";

/** Where counting a queue's tasks stops. */
const MOST = 1_000;

/** Lists the queues of activities. */
export const command = defineCommand({
  examples: [
    { text: "All queues, and how many tasks wait in each", line: "queues" },
    { text: "The same, a JSON line each", line: "queues --jsonl" },
  ],
  fields: ["name", "ready", "delayed", "oldest", "executing", "nodes", "failing"],
  async run({ read, out }) {
    await out.list({
      name: "queues",
      items: await read("queues", {}),
      columns: [
        { title: "QUEUE", id: true, cell: ({ name }) => name },
        {
          title: "READY",
          right: true,
          cell: ({ ready }) => `${ready}${ready === MOST ? "+" : ""}`,
        },
        { title: "DELAYED", right: true, cell: ({ delayed }) => String(delayed) },
        { title: "OLDEST", cell: ({ oldest }) => out.time(oldest) },
        { title: "EXECUTING", right: true, cell: ({ executing }) => String(executing) },
        { title: "NODES", right: true, cell: ({ nodes }) => String(nodes.length) },
      ],
    });
  },
});
