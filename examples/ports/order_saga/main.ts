/**
 * An order saga, as it is often shown for other engines: see `docs/coming-from-other-engines.md`.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import { books } from "./books.ts";
import orderSaga from "./workflow.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflow.ts")],
  live: [import.meta.resolve("./books.ts")],
});

const orders = [
  { id: "o-1", amount: 30, city: "Lisbon" },
  { id: "o-2", amount: 30, city: "Atlantis" },
  { id: "o-3", amount: 5_000, city: "Lisbon" },
];
for (const order of orders) {
  const run = await continuum.start(orderSaga, order, { runId: order.id });
  if (order.amount > 1_000) await run.signal("review", "rejected");
  try {
    console.log(await run.result());
  } catch (error) {
    if (!isContinuumError(error, "RUN_FAILED")) throw error;
    console.log("Failed:", (error.cause as Error).message);
  }
}
for (const line of books) console.log(" ", line);

// Prints:
// shipped to Lisbon
// Failed: Activity "ship" failed: No ship goes to Atlantis
// Failed: Order o-3 was rejected
//   o-1: reserved
//   o-1: charged 30 EUR
//   o-1: shipped to Lisbon
//   o-2: reserved
//   o-2: charged 30 EUR
//   o-2: refunded 30 EUR
//   o-2: released
//   o-3: reserved
//   o-3: charged 5000 EUR
//   o-3: refunded 5000 EUR
//   o-3: released
