/**
 * Messages: a handler and a condition, a loop of races that loses no signal, the first of several
 * signals, and signals as they come.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import cart from "./workflows/29_messages.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/29_messages.ts")],
});
const run = await continuum.start(cart);
for (const item of ["bread", "milk", "tea"]) await run.signal("add", item);
await run.signal("delivery");
for (const place of ["depot", "home", "never seen"]) await run.signal("at", place);
const { isFull, items, reminders, name, stops } = await run.result();
console.log(isFull, items.join(", "));
console.log(`${reminders} reminders`);
console.log(`${name}: ${stops.join(", ")}`);
console.log((await run.status()).untakenSignals);

// Prints:
// true bread, milk, tea
// 2 reminders
// delivery: depot, home
// { at: 1 }
