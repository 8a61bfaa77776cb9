/**
 * Runs that wait for other runs: for values that they publish, for answers, and for their ends.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import bakery from "./workflows/34_bakery.ts";
import customer from "./workflows/34_customer.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [
    import.meta.resolve("./workflows/34_bakery.ts"),
    import.meta.resolve("./workflows/34_customer.ts"),
  ],
});

const shop = await continuum.start(bakery, ["bread", "cake"], { runId: "bakery-7" });
console.log("fresh:", await shop.published("fresh"));

// A run that waits for another costs a row, and no memory.
const buyer = await continuum.start(customer, "bakery-7");
console.log("customer:", await buyer.result());
console.log("bakery:", await shop.result(), await shop.values());

// Prints:
// fresh: bread
// customer: { first: "bread", bought: [ "a bread", "a cake" ], end: "sold 2" }
// bakery: sold 2 { fresh: "cake" }
