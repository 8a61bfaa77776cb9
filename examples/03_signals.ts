/**
 * Signals: typed by the run's own version, early or late, each delivery once.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import approval from "./workflows/approval.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/approval.ts")],
});

const run = await continuum.start(approval, 100);
for (const [name, payload] of [["aprove", { by: "Ann" }], ["approve", { by: 7 }]] as const) {
  try {
    await run.signal(name, payload);
  } catch (error) {
    if (isContinuumError(error)) console.log(error.code); // nothing was written
  }
}
// A message that is delivered twice is one signal.
for (let time = 0; time < 2; time++) {
  console.log(await run.signal("approve", { by: " Ann " }, { deliveryId: "message-1" }));
}
console.log(await run.result());

// Signal-with-start: the run and its first signal are written together, or not at all.
const prompt = await continuum.start(approval, 200, {
  runId: "order-7",
  ifExists: "use",
  signal: { name: "approve", payload: { by: "Bo" }, deliveryId: "message-2" },
});
console.log(await prompt.result());

// Prints:
// UNDECLARED_SIGNAL
// INVALID_SIGNAL_PAYLOAD
// delivered
// duplicate
// 100 EUR approved by Ann
// 200 EUR approved by Bo
