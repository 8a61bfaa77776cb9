/**
 * Earlier generations stay readable until retention takes them, and so do runs that have ended.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import diary from "./workflows/17_generations.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/17_generations.ts")],
  retention: { runs: "30d", generations: "7d" }, // by itself; nothing goes unless it is said
});
const run = await continuum.start(diary, 1, { runId: "diary" });
console.log(await run.result());

for (const { number, current, payloads } of await run.generations({ payloads: true })) {
  console.log(`generation ${number} began with ${payloads!.input}${current ? ", the last" : ""}`);
}
const [first] = await run.history({ generation: 0 });
console.log(first!.kind, first!.name, "->", first!.value);

// By hand. A plan first: it counts, and removes nothing.
const { runs } = continuum;
console.log(await runs.prune({ olderThan: 0, dryRun: true }));
console.log("older than a day:", (await runs.prune({ olderThan: "1d" })).runs);
console.log("all that has ended:", (await runs.prune({ olderThan: 0 })).runs);
try {
  await run.status();
} catch (error) {
  if (isContinuumError(error, "RUN_NOT_FOUND")) console.log(error.code);
}

// Prints:
// The end
// generation 0 began with 1
// generation 1 began with 2
// generation 2 began with 3, the last
// step.completed write -> What happened on day 1
// { runs: 1, generations: 2, events: 3, keys: 0 }
// older than a day: 0
// all that has ended: 1
// RUN_NOT_FOUND
