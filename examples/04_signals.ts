/**
 * Signals: messages from outside, kept until they are waited for, checked before they are written.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import approval from "./workflows/04_signals.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/04_signals.ts")],
});
const run = await continuum.start(approval, "New kitchen");

// The same delivery twice is one: pass the id of the message that you received.
for (let times = 0; times < 2; times++) {
  console.log(await run.signal("approval", { by: "Ada", yes: true }, { deliveryId: "mail-17" }));
}
const untyped = continuum.run(run.id); // it knows no types: these names are checked when they arrive
for (const [name, payload] of [["approval", "yes"], ["aproval", { by: "Bob", yes: true }]]) {
  try {
    await untyped.signal(name as string, payload);
  } catch (error) {
    if (isContinuumError(error, "INVALID_SIGNAL_PAYLOAD")) console.log("Refused:", error.code);
    else if (isContinuumError(error, "UNDECLARED_SIGNAL")) console.log("Refused:", error.code);
    else throw error;
  }
}
await run.signal("approval", { by: "Bob", yes: true });
console.log(await run.result());

// Prints:
// delivered
// duplicate
// Refused: INVALID_SIGNAL_PAYLOAD
// Refused: UNDECLARED_SIGNAL
// New kitchen: approved by Ada and Bob
