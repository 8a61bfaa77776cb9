/**
 * Timers: durations, dates, and a race between a timer and a signal.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import reminder from "./workflows/05_timers.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/05_timers.ts")],
});
const run = await continuum.start(reminder, "Water the plants");

// Runs that wait leave memory after `linger`, a second by default: it is in no process then, but
// a row that says what it waits for, and until when.
const status = await run.reached("suspended");
console.log(status.state, "on", status.waits.map(({ kind, name }) => name || kind).join(" and "));
const days = (status.until!.getTime() - status.since!.getTime()) / 86_400_000;
console.log(`until ${Math.round(days)} days later, in memory: ${status.node !== null}`);

await run.signal("done", "Ada");
console.log(await run.result());

// Prints:
// suspended on done and sleep
// until 11 days later, in memory: false
// Water the plants: done by Ada, not before 100 ms: true
