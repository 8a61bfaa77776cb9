/**
 * Asks: messages that a run answers. Answers have a schema, an ask has an id, and a start can bring
 * one along.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import cart from "./workflows/33_asks.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/33_asks.ts")],
});

// The first ask comes with the start; the caller continues as soon as it is answered.
const run = await continuum.start(cart, undefined, {
  runId: "cart-7",
  signal: { name: "add", payload: { item: "bread", price: 3 }, askId: "click-1" },
});
console.log("total", await run.answer("click-1"));

// A click that is sent again has the same id, so it is one ask with one answer.
for (let times = 0; times < 2; times++) {
  const { length } = await run.history();
  const milk = { item: "milk", price: 2 };
  console.log("total", await run.ask("add", milk, { askId: "click-2", timeout: "5s" }), length);
}

// What the handler throws, the asker gets. The run continues.
try {
  await run.ask("add", { item: "piano", price: 9_000 });
} catch (error) {
  if (!isContinuumError(error, "ASK_FAILED")) throw error;
  console.log("refused:", (error.cause as Error).message);
}
console.log("paid", await run.ask("pay", null));
console.log("result", await run.result());

// Prints:
// total 3
// total 5 2
// total 5 4
// refused: a cart holds at most 100
// paid receipt for 5
// result bread, milk
