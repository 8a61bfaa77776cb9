/**
 * Limits of runs: so many at once, so many of each tenant, and whose turn it is.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, type RunState } from "@continuum/continuum";
import report from "./workflows/31_limits.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/31_limits.ts")],
  linger: 0,
});
const admitted: RunState[] = ["running", "suspended"];
const start = (runId: string, tenant: string, urgent = false) =>
  continuum.start(report, { tenant, urgent }, { runId });

await (await start("a-1", "a")).reached(admitted);
await (await start("b-1", "b")).reached(admitted);
await start("a-2", "a");
const c1 = await start("c-1", "c");
const c2 = await start("c-2", "c", true);
console.log((await c1.status()).state);

// Whatever ends a run gives its place to the next one: here the urgent one.
await continuum.run("b-1").signal("done");
await c2.reached(admitted);
await continuum.run("c-2").terminate();
await c1.reached(admitted);
const [queue] = await continuum.limits.list();
console.log(queue!.name, queue!.admitted, queue!.waiting);

// A paused queue admits no run.
await continuum.limits.pause("report", { reason: "maintenance" });
await continuum.run("a-1").signal("done");
await continuum.run("a-1").result();
console.log((await continuum.run("a-2").status()).state);
await continuum.limits.resume("report");
await continuum.run("a-2").signal("done");
console.log(await continuum.run("a-2").result());

// Prints:
// queued
// report 2 1
// queued
// a
