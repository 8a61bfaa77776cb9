/**
 * Timeouts and attempts of runs: a run that throws is retried, a run that takes too long is asked to clean up.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import harvest from "./workflows/16_timeouts_and_attempts.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/16_timeouts_and_attempts.ts")],
});

// Each attempt is a generation of the same run: same id, same input, a history of its own.
const wheat = await continuum.start(harvest, "wheat");
console.log(await wheat.result());
const { attempt, lastError } = await wheat.status();
console.log(`after ${attempt} attempts, the last but one: ${(lastError as Error).message}`);
for (const { number, events } of await wheat.generations()) {
  console.log(`  generation ${number} has ${events} events`);
}

const stones = await continuum.start(harvest, "stones");
try {
  await stones.result();
} catch (error) {
  if (!isContinuumError(error, "RUN_FAILED")) throw error;
  console.log(`${error.code} at attempt ${(await stones.status()).attempt}: not tried again`);
}

// All attempts and the rests between them; the run is woken, cleans up, and has failed.
const rice = await continuum.start(harvest, "rice", { timeout: "2s" });
try {
  await rice.result();
} catch (error) {
  if (!isContinuumError(error, "RUN_TIMEOUT")) throw error;
  console.log(
    `${error.code}:`,
    (await rice.history()).map(({ name }) => name || "told").join(", "),
  );
}

// Prints:
// wheat: harvested with a machine at attempt 3
// after 3 attempts, the last but one: Rain at attempt 2
//   generation 0 has 2 events
//   generation 1 has 2 events
//   generation 2 has 2 events
// RUN_FAILED at attempt 1: not tried again
// RUN_TIMEOUT: rent, told, return
