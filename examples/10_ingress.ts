/**
 * Ways to start runs: once a key, many at once, later, and in your own transaction.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import report from "./workflows/report.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/report.ts")],
});

// A request that is sent again starts nothing again.
const key = { idempotencyKey: "request-1" };
const first = await continuum.start(report, "pdf", key);
const again = await continuum.start(report, "pdf", key);
console.log(again.id === first.id);
try {
  await continuum.start(report, "html", key);
} catch (error) {
  if (isContinuumError(error)) console.log(error.code);
}

// Ten thousand in ten statements; each says what became of it.
const items = Array.from({ length: 10_000 }, (_, n) => ({ input: "pdf", runId: `report-${n}` }));
const later = { startAt: new Date("2100-01-01T00:00:00Z") };
const started = await continuum.startMany(report, [...items, items[0]!], later);
console.log(started.filter(({ status }) => status === "started").length);
console.log(started.at(-1)?.status);
console.log((await continuum.run("report-0").status()).reason);

// A tenant's runs are his own.
const tenant = await continuum.start(report, "pdf", { runId: "report-0", namespace: "acme" });
console.log(await tenant.result());

// In your own transaction, with postgres.js:
//
//   await sql.begin(async (transaction) => {
//     await transaction`insert into orders ${transaction(order)}`;
//     await continuum.start(fulfil, order, { transaction });
//   });

// Prints:
// true
// IDEMPOTENCY_CONFLICT
// 10000
// conflict
// waits for a node until 2100-01-01T00:00:00.000Z
// pdf, 3 pages
