/**
 * Pausing: a run that keeps its messages and does nothing; and acts on all runs that a query finds,
 * which another process can continue.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import order from "./workflows/30_pause.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/30_pause.ts")],
  linger: 0,
});
const ids = ["o-1", "o-2", "o-3"];
for (const runId of ids) {
  await (await continuum.start(order, runId, { runId })).reached("suspended");
}

// A signal to a paused run waits until the run is resumed.
const run = continuum.run(order, "o-1");
await run.pause({ reason: "the bank is down" });
await run.signal("paid", 5);
console.log((await run.status()).reason);
await run.resume();
console.log(await run.result());

// All orders that have not ended: a job, done batch by batch.
const where = { workflow: "order" };
for await (const { id, verdict } of continuum.runs.pause({ where })) console.log(id, verdict);
const resuming = continuum.runs.resume({ where, pauseAfter: 0 }); // this call does nothing yet
for await (const _ of resuming);
for await (const { id, verdict } of await continuum.runs.continueJob(resuming.job!)) {
  console.log(id, verdict);
}
for await (const { id } of continuum.runs.signal("paid", 7, { where })) {
  console.log(await continuum.run(order, id).result());
}
for (const { kind, counts } of await continuum.runs.jobs()) console.log(kind, counts.done);

// Prints:
// is paused: the bank is down
// o-1: 5
// o-2 done
// o-3 done
// o-2 done
// o-3 done
// o-2: 7
// o-3: 7
// signal 2
// resume 2
// pause 2
