/**
 * A queue with a rate: all nodes together send so many mails in a time, however many wait. Virtual
 * time shows in a moment what takes five minutes.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { answers, double, fails, testEngine } from "@continuum/continuum/testing";
import newsletter, { send } from "./workflows/27_mail.ts";

await using engine = await testEngine({
  workflows: [newsletter],
  // As in Continuum.open. Other nodes may serve the queue, too, with the same rate.
  queues: { mail: { concurrency: 5, rateLimit: { limit: 10, per: "1m" } } },
  activities: [double(send, answers<string>(fails(new Error("Busy")), "sent"))],
});

const readers = Array.from({ length: 50 }, (_, index) => `reader-${index}@example.com`);
const run = await engine.start(newsletter, readers);
console.log(await run.result(), "mails were sent");

const minutes = Map.groupBy(engine.calls(send), ({ at }) => at.toISOString().slice(11, 16));
for (const [minute, calls] of minutes) console.log(`${minute}  ${"x".repeat(calls.length)}`);

// Prints:
// 50 mails were sent
// 00:00  xxxxxxxxxxxxxxxxxxx
// 00:01  xxxxxxxxxx
// 00:02  xxxxxxxxxx
// 00:03  xxxxxxxxxx
// 00:04  xx
