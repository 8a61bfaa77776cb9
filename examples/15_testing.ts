/**
 * Testing: virtual time, doubles for activities, and the proof that later code replays. In a
 * project each part would be a `Deno.test`.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { answers, assertReplays, fails, testEngine } from "@continuum/continuum/testing";
import trial, { charge } from "./workflows/15_testing.ts";
import changed from "./workflows/15_testing_changed.ts";

// When the engine is disposed of, every run that has ended is replayed from its history.
await using engine = await testEngine({
  workflows: [trial],
  activities: [[charge, answers(fails(new Error("Bank is closed")), "receipt 1")]],
  now: "2030-01-01T00:00:00Z",
});

const stays = await engine.start(trial, "Ada");
console.log(await stays.result()); // a month and a minute, in no time
for (const { activity, attempt, at } of engine.calls()) {
  console.log(`  attempt ${attempt} of ${activity} at ${at.toISOString()}`);
}

const leaves = await engine.start(trial, "Bob");
await engine.advance("10d");
await leaves.signal("cancel", "too dear");
console.log(await leaves.result(), "at", engine.now.toISOString());

// Keep a history as a file, and later code is held to it.
const history = JSON.parse(JSON.stringify(await stays.dump()));
await assertReplays(trial, history);
console.log("The code replays what was recorded");
try {
  await assertReplays(changed, history);
} catch (error) {
  console.log((error as Error).name, "- the changed code does not");
}

// Prints:
// Ada pays from 2030-01-31: receipt 1
//   attempt 1 of charge at 2030-01-31T00:00:00.000Z
//   attempt 2 of charge at 2030-01-31T00:01:00.000Z
// Bob left during the trial at 2030-02-10T00:01:00.000Z
// The code replays what was recorded
// ReplayError - the changed code does not
