/**
 * Cancellation lets the code clean up; termination does not ask.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import film from "./workflows/09_cancellation.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/09_cancellation.ts")],
});

for (const stop of ["cancel", "terminate"] as const) {
  const run = await continuum.start(film, "Metropolis");
  while ((await run.history()).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await run[stop]({ reason: "Out of money" });
  try {
    await run.result();
  } catch (error) {
    const isStopped = isContinuumError(error, "RUN_CANCELLED") ||
      isContinuumError(error, "RUN_TERMINATED");
    if (!isStopped) throw error;
    console.log(`${error.code}: ${(error.cause as Error).message}`);
  }
  for (const { kind, name } of await run.history()) console.log(`  ${kind} ${name}`);
  const { state, custom } = await run.status();
  console.log(`  ${state}, it says of itself: ${custom}`);
}

// Prints:
// RUN_CANCELLED: The run was cancelled: Out of money
//   step.completed rent the studio
//   cancel.requested
//   activity.completed render
//   status.set
//   step.completed return the studio
//   cancelled, it says of itself: Metropolis: stopped cleanly
// RUN_TERMINATED: Out of money
//   step.completed rent the studio
//   terminated, it says of itself: undefined
