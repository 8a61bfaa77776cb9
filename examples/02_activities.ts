/**
 * Activities: effects that are tried again until they succeed, and what follows if they don't.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import { defineActivity } from "@continuum/continuum/workflow";
import pay from "./workflows/02_activities.ts";

const sendReceipt = defineActivity({ name: "send-receipt" }, (orderId: string) => {
  if (orderId === "o-2") throw new Error("Mailbox is full");
});

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/02_activities.ts")],
  activities: [sendReceipt],
  queues: { mail: { concurrency: 2, rateLimit: { limit: 10, per: "1s" } } }, // for all nodes: 10/s
});

for (const id of ["o-1", "o-2"]) {
  const run = await continuum.start(pay, { id, amount: 30 });
  const { charged, receipt } = await run.result();
  console.log(`${id}: charged ${charged}; receipt ${receipt}`);
}

// Prints:
// o-1: charged 30 EUR at attempt 3; receipt sent
// o-2: charged 30 EUR at attempt 3; receipt not sent: Mailbox is full
