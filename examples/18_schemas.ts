/**
 * Schemas: what is given to a run is checked by its own version, before anything is written.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import booking from "./workflows/18_schemas.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/18_schemas.ts")],
});

async function refused(what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isContinuumError(error, "INVALID_INPUT")) throw error;
    for (const { path, message } of error.details.issues) {
      console.log(`${what}: ${path} ${message}`);
    }
  }
}

// The run gets what the schema makes of its input.
console.log(await (await continuum.start(booking, { name: " Ada " })).result());
await refused("start", () => continuum.start(booking, { seats: 0 }));
await refused("by name", () => continuum.start("booking", { seats: -1 }));
await refused("many", () => continuum.startMany(booking, [{ input: {} }, { input: { seats: 0 } }]));
await refused("schedule", () => {
  return continuum.schedules.create({
    id: "weekly",
    workflow: booking,
    input: { seats: 0 },
    cron: "0 9 * * MON",
  });
});
console.log("runs:", await continuum.runs.count());

// A child that does not fit throws into its parent, which may continue.
for (const seats of [12, 10]) {
  console.log(seats, await (await continuum.start(booking, { name: "Bob", seats })).result());
}

// Prints:
// 1 for Ada
// start: seats wanted a seat, found 0
// by name: seats wanted a seat, found -1
// many: seats wanted a seat, found 0
// schedule: seats wanted a seat, found 0
// runs: 1
// 12 2 for Bob
// 10 refused: INVALID_INPUT
