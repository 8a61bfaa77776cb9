/**
 * Schedules: every night by the clocks of Berlin, once for what is past, and by hand.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import report from "./workflows/10_schedules.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/10_schedules.ts")],
});
const { schedules } = continuum;

const nightly = await schedules.create({
  id: "nightly",
  workflow: report,
  input: "pdf",
  cron: "30 2 * * *",
  timeZone: "Europe/Berlin",
  ifExists: "replace", // at every start: create it, or bring it up to date
});
console.log(`nightly is ${nightly.state}, its time is planned: ${nightly.next !== null}`);

// A run by hand, beside the plan.
const run = await schedules.trigger("nightly");
console.log(await run.result());

// A one-shot whose time is past fires at once; the run's id says for when.
await schedules.create({
  id: "new-year",
  workflow: "report",
  input: "html",
  at: new Date("2026-01-01T00:00:00Z"),
});
let once = await schedules.get("new-year");
while (once.last === null) once = await schedules.get("new-year");
console.log(`${once.last.runId}: ${await continuum.run(once.last.runId).result()}`);
console.log(`new-year is ${once.state}`);

await schedules.pause("nightly");
for (const { id, state, started, triggered } of await schedules.list()) {
  console.log(`${id}: ${state}, ${started} started, ${triggered} triggered`);
}

// Prints:
// nightly is active, its time is planned: true
// pdf, 3 pages
// new-year>2026-01-01T00:00:00.000Z: html, 3 pages
// new-year is done
// new-year: done, 1 started, 0 triggered
// nightly: paused, 0 started, 1 triggered
