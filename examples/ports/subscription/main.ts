/**
 * A long-lived subscription, as it is often shown for other engines: see
 * `docs/coming-from-other-engines.md`. Two years of it, in virtual time.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { testEngine } from "@continuum/continuum/testing";

await using engine = await testEngine({
  workflows: [import.meta.resolve("./workflow.ts")],
  now: "2030-01-01T00:00:00Z",
});

const ada = { customer: "Ada", price: 10, periods: 0, total: 0 };
const run = await engine.start<string>("subscription", ada, { runId: "subscription/ada" });

await engine.advance("365d");
console.log(engine.now.toISOString(), (await run.status()).attributes);

await run.signal("price", 12); // from the period that is under way
await engine.advance("365d");
console.log(engine.now.toISOString(), (await run.status()).attributes);
console.log((await run.history()).length, "events in the history of its last generation");

await run.signal("cancel");
console.log(await run.result());

// Prints:
// 2031-01-01T00:00:00.000Z { periods: 12, customer: "Ada" }
// 2032-01-01T00:00:00.000Z { periods: 24, customer: "Ada" }
// 1 events in the history of its last generation
// Ada paid 264 EUR for 24 periods
