/**
 * Scopes: one time limit for several effects, and a part that no cancellation reaches. Virtual time
 * shows the ten minutes at once.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { hangs, testEngine } from "@continuum/continuum/testing";
import trip from "./workflows/28_scopes.ts";

await using engine = await testEngine({
  workflows: [trip],
  activities: {
    "ask the agency": hangs(),
    "ask the airline": (city: string) => city === "Rome" ? "by plane" : hangs(),
  },
  steps: {
    pay: async ({ runId }) => {
      if (runId === "rome") await engine.run(runId).cancel({ reason: "changed my mind" });
      return "paid";
    },
  },
  now: "2030-01-01T00:00:00Z",
});

for (const city of ["Rome", "Oslo"]) {
  const run = await engine.start(trip, city, { runId: city.toLowerCase() });
  if (city === "Oslo") await run.signal("departed");
  await run.result().catch((error) => console.log(error.message));
  console.log(`${engine.now.toISOString().slice(11, 16)}  ${(await run.status()).custom}`);
  for (const { kind, name } of await run.history()) console.log(`  ${kind} ${name}`);
}

// Prints:
// Run "rome" was cancelled: The run was cancelled: changed my mind
// 00:00  ticket to Rome, paid
//   activity.completed ask the airline
//   step.completed pay
//   cancel.requested
//   step.completed print the ticket
//   status.set
// 00:10  ticket to Oslo, paid
//   timer.fired scope
//   step.completed pay
//   step.completed print the ticket
//   status.set
//   signal.received departed
