/**
 * An activity that is completed from outside: by a person, a webhook, another program.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import { defineActivity } from "@continuum/continuum/workflow";
import publish from "./workflows/20_completed_from_outside.ts";

const mail = Promise.withResolvers<string>();
const ask = defineActivity({ name: "ask for approval" }, async (title: string, activity) => {
  await activity.heartbeat(`${title} is on its way`); // durable, for the next attempt
  mail.resolve(await activity.token()); // as a part of a link, say
  return activity.completeLater(); // from here on it holds no process, no slot and no memory
});

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/20_completed_from_outside.ts")],
  activities: [ask],
});
const run = await continuum.start(publish, "The report");

// Any process that has the token.
const token = await mail.promise;
console.log(await continuum.activities.heartbeat(token, "Ada reads it"));
await continuum.activities.complete(token, { by: "Ada" });
console.log(await run.result());
try {
  await continuum.activities.complete(token, { by: "Eve" });
} catch (error) {
  if (isContinuumError(error, "TASK_NOT_FOUND")) console.log("Too late:", error.code);
}

// Prints:
// { cancelRequested: false }
// The report: approved by Ada
// Too late: TASK_NOT_FOUND
