/**
 * Sagas: what was done is undone, the last first, when the rest fails or the run is cancelled.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, type RunHandle } from "@continuum/continuum";
import trip from "./workflows/08_saga.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/08_saga.ts")],
});

async function tell(run: RunHandle<string[]>): Promise<void> {
  const end = await run.result().catch((error) => `${error.code}: ${error.cause.message}`);
  console.log((await run.status()).state, end);
  for (const { kind, name, value } of await run.history()) {
    if (kind === "activity.completed" && name === "cancel") console.log("  undone:", value);
  }
}

const paid = await continuum.start(trip, ["flight", "hotel"]);
await paid.signal("paid");
await tell(paid);

await tell(await continuum.start(trip, ["flight", "hotel", "car"]));

const cancelled = await continuum.start(trip, ["flight", "hotel"]);
await cancelled.reached("suspended"); // all is booked, and it waits to be paid
await cancelled.cancel({ reason: "Holidays are off" });
await tell(cancelled);

// Prints:
// completed [ "flight booked", "hotel booked" ]
// failed RUN_FAILED: Activity "book" failed: No car is left
//   undone: car cancelled
//   undone: hotel cancelled
//   undone: flight cancelled
// cancelled RUN_CANCELLED: The run was cancelled: Holidays are off
//   undone: hotel cancelled
//   undone: flight cancelled
