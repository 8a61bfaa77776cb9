/**
 * Continue-as-new: a run that lives for ever without a history that grows for ever.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import counter from "./workflows/07_continue_as_new.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/07_continue_as_new.ts")],
});

const run = await continuum.start(counter, { total: 0, generation: 1 }, { runId: "counter" });
for (let add = 1; add <= 10; add++) await run.signal("add", add);
await run.signal("add", null);

console.log(await run.result());
const history = await run.history();
console.log(`${history.length} events in the history of ${run.id}:`);
for (const { kind, name, value } of history) console.log(`  ${kind} ${name} ${value}`);

// Prints:
// 55 after 4 generations
// 2 events in the history of counter:
//   signal.received add 10
//   signal.received add null
