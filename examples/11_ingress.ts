/**
 * Ingress: every way to start a run once, or many of them.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import { pglite } from "@continuum/continuum/pglite";
import invoice from "./workflows/11_ingress.ts";

const database = pglite(null);
await using continuum = await Continuum.open({
  database,
  workflows: [import.meta.resolve("./workflows/11_ingress.ts")],
});

// Signal-with-start: whichever message comes first starts the run, both are in its mailbox.
for (const payload of ["apples", "pears"]) {
  const signal = { name: "line", payload };
  await continuum.start(invoice, "Ada", { runId: "ada", ifExists: "use", signal });
}
console.log(await continuum.run("ada").result());

// A key starts one run, however often the request is repeated.
const first = await continuum.start(invoice, "Bob", { idempotencyKey: "request-1" });
const again = await continuum.start(invoice, "Bob", { idempotencyKey: "request-1" });
console.log("Same run:", first.id === again.id);
try {
  await continuum.start(invoice, "Eve", { idempotencyKey: "request-1" });
} catch (error) {
  if (isContinuumError(error, "IDEMPOTENCY_CONFLICT")) console.log("Refused:", error.code);
}

// Thousands in a few statements; later; in another namespace.
const items = Array.from({ length: 1_000 }, (_, index) => ({ input: `Customer ${index}` }));
const started = await continuum.startMany(invoice, items, { delay: "1h", namespace: "bulk" });
console.log(started.length, "started");
console.log("in bulk:", await continuum.runs.count({ namespace: "bulk" }));
console.log("here:", await continuum.runs.count());

// In the caller's own transaction: the run is there if, and only if, it commits.
const mine = await database.open();
await mine.transaction(async (transaction) => {
  await transaction.query("create table orders as select 'o-1' as id");
  await continuum.start(invoice, "Zoe", { runId: "zoe", transaction });
});
console.log(await continuum.run("zoe").result());
await mine.close();

// Prints:
// Ada: apples and pears
// Same run: true
// Refused: IDEMPOTENCY_CONFLICT
// 1000 started
// in bulk: 1000
// here: 2
// Zoe: nothing and nothing
