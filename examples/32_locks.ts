/**
 * Locks: a part of the code that one run executes at a time, the first to ask first.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import transfer from "./workflows/32_locks.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/32_locks.ts")],
  linger: 0,
});
const runs = [];
for (const amount of [10, 20, 30]) runs.push(await continuum.start(transfer, amount));
const balances = await Promise.all(runs.map((run) => run.result()));
console.log(Math.min(...balances));

const events = await runs[0]!.history();
console.log(events.map(({ kind, name }) => `${kind} ${name}`).join("\n"));

// Prints:
// 40
// call.completed lock account 7
// step.completed read
// timer.fired
// step.completed write
// call.completed unlock account 7
