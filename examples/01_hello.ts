/**
 * A workflow: a module of its own, started and waited for from another.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import hello from "./workflows/01_hello.ts";

await using continuum = await Continuum.open({
  database: "memory:", // leave it out, and runs are kept in ./.continuum
  workflows: [import.meta.resolve("./workflows/01_hello.ts")],
});

const run = await continuum.start(hello, "World", { runId: "hello-1" });
console.log(await run.result());

for (const event of await run.history()) console.log(event.seq, event.kind, event.name);
console.log(run.id, (await run.status()).state);

// Prints:
// Hello, World!
// 0 step.completed choose a greeting
// 1 timer.fired
// hello-1 completed
