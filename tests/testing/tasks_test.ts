/**
 * Activities of the engine for tests are tasks, as outside: with all their timeouts, heartbeats,
 * keys, tokens, queues, rates and priorities, in virtual time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { answers, fails, hangs, testEngine } from "../../src/testing/mod.ts";
import { type ActivityAttempt, defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";

const START = Date.parse("2030-01-01T00:00:00Z");
const steady = { initial: "1m", backoff: "constant", jitter: 0 } as const;

Deno.test("all attempts of an activity together take no longer than schedule-to-close", async () => {
  const flow = defineWorkflow({ name: "flow" }, async (ctx) => {
    const retry = { ...steady, maxAttempts: 1_000 };
    const timeouts = { scheduleToClose: "10m" } as const;
    return await ctx.activity("flaky", null, { retry, timeouts }).catch((error) => error.code);
  });
  await using engine = await testEngine({
    workflows: [flow],
    activities: { flaky: fails(new Error("not yet")) },
  });
  const run = await engine.start(flow, undefined);
  assert.equal(await run.result(), "ACTIVITY_FAILED");
  const calls = engine.calls("flaky");
  assert(calls.length >= 9 && calls.length <= 11, `${calls.length} attempts`);
  assert(engine.now.getTime() <= START + 10 * 60_000);
});

Deno.test("an attempt that hangs, and one that falls silent, time out in virtual time", async () => {
  const details: unknown[] = [];
  const beating = defineActivity(
    { name: "beating", retry: steady, timeouts: { heartbeat: "30s" } },
    async (_: null, activity: ActivityAttempt) => {
      details.push(activity.lastHeartbeat);
      await activity.heartbeat({ page: activity.attempt });
      if (activity.attempt === 3) return "done";
      throw new Error("lost its place");
    },
  );
  const silent = hangs();
  const flow = defineWorkflow({ name: "flow" }, async (ctx) => [
    await ctx.activity(beating, null),
    await ctx.activity<string>("slow", null, { timeout: "5m", retry: steady }),
    await ctx.activity<string>("silent", null, { timeouts: { heartbeat: "1m" }, retry: steady }),
  ]);
  await using engine = await testEngine({
    workflows: [flow],
    activities: { slow: answers(hangs(), "late"), silent: answers(silent, "woken") },
  });
  const run = await engine.start(flow, undefined);
  assert.deepEqual(await run.result(), ["done", "late", "woken"]);
  assert.deepEqual(details, [undefined, { page: 1 }, { page: 2 }]);
  const [first, second] = engine.calls("slow");
  assert.equal(second!.at.getTime() - first!.at.getTime(), 6 * 60_000);
  const [mute, heard] = engine.calls("silent");
  assert.equal(heard!.at.getTime() - mute!.at.getTime(), 2 * 60_000);
});

Deno.test("what runs under one key is done once, for all runs", async () => {
  const charge = defineActivity(
    { name: "charge", idempotencyKey: (order: string) => `charge/${order}` },
    (order: string) => `${order}: ${++charged}`,
  );
  let charged = 0;
  const flow = defineWorkflow(
    { name: "flow" },
    async (ctx, order: string) => await ctx.activity(charge, order),
  );
  await using engine = await testEngine({ workflows: [flow] });
  const results: string[] = [];
  for (const order of ["a", "a", "b"]) {
    results.push(await (await engine.start(flow, order)).result());
  }
  assert.equal(results[0], results[1]);
  assert.notEqual(results[0], results[2]);
  assert.equal(charged, 2);
});

Deno.test("an attempt that continues outside times out too, and its token is void then", async () => {
  const tokens: string[] = [];
  const approval = defineActivity(
    { name: "approval", timeouts: { startToClose: "1h" }, retry: { ...steady, maxAttempts: 2 } },
    async (_: null, activity: ActivityAttempt) => {
      tokens.push(await activity.token());
      return activity.completeLater() as unknown as string;
    },
  );
  const flow = defineWorkflow({ name: "flow" }, async (ctx) => await ctx.activity(approval, null));
  await using engine = await testEngine({ workflows: [flow], time: "manual" });
  await engine.start(flow, undefined);
  await engine.advance("2h");
  assert.equal(tokens.length, 2, "the first attempt has timed out");
  await assert.rejects(engine.activities.complete(tokens[0]!, "late"), { code: "TASK_NOT_FOUND" });
});

Deno.test("a token that is used in time ends its activity", async () => {
  const tokens: string[] = [];
  const approval = defineActivity(
    { name: "approval" },
    async (_: null, attempt: ActivityAttempt) => {
      tokens.push(await attempt.token());
      return attempt.completeLater() as unknown as string;
    },
  );
  const flow = defineWorkflow({ name: "flow" }, async (ctx) => await ctx.activity(approval, null));
  await using engine = await testEngine({ workflows: [flow] });
  const run = await engine.start(flow, undefined);
  await engine.advance("1d");
  await engine.activities.complete(tokens[0]!, "approved");
  assert.equal(await run.result(), "approved");
});

Deno.test("a queue has its room, its rate, and takes the most urgent first", async () => {
  const flow = defineWorkflow({ name: "flow" }, async (ctx, priority: number) => {
    await ctx.activity("mail", priority, { queue: "mail", priority });
  });
  await using engine = await testEngine({
    workflows: [flow],
    activities: { mail: () => "sent" },
    queues: { mail: { concurrency: 1, rateLimit: { limit: 1, per: "1m" } } },
  });
  const runs = [];
  for (const priority of [0, 1, 2, 3]) runs.push(await engine.start(flow, priority));
  for (const run of runs) await run.result();
  const calls = engine.calls("mail");
  const at = calls.map((call) => call.at.getTime());
  assert(at.every((time, index) => index < 2 || time - at[index - 1]! >= 59_000), String(at));
  const later = calls.slice(1).map(({ input }) => input as number);
  assert.deepEqual(later, [...later].sort((a, b) => b - a));
});

Deno.test("an activity that waits for room too long fails, and says why", async () => {
  const flow = defineWorkflow({ name: "flow" }, async (ctx, what: string) => {
    const timeouts = { scheduleToStart: "1h" } as const;
    return await ctx.activity<string>(what, null, { queue: "narrow", timeouts })
      .catch((error) => error.cause.code);
  });
  await using engine = await testEngine({
    workflows: [flow],
    activities: { hog: hangs(), late: () => "never" },
    queues: { narrow: { concurrency: 1 } },
    paranoid: false,
  });
  const hog = await engine.start(flow, "hog");
  const late = await engine.start(flow, "late");
  await engine.advance("2h");
  assert.equal(await late.result(), "TIMEOUT");
  assert.deepEqual(engine.calls("late"), []);
  await hog.terminate();
});

Deno.test("a queue that the engine does not serve is named", async () => {
  const flow = defineWorkflow(
    { name: "flow" },
    async (ctx) => await ctx.activity("mail", null, { queue: "mail" }),
  );
  await using engine = await testEngine({ workflows: [flow], activities: { mail: () => "sent" } });
  const run = await engine.start(flow, undefined);
  await assert.rejects(run.result(), (error: Error) => {
    let text = "";
    for (let at: unknown = error; at instanceof Error; at = at.cause) text += at.message;
    return /queue "mail" of activity "mail": .*not serve it, wanted it in the option "queues"/.test(
      text,
    );
  });
  assert.deepEqual(engine.calls("mail"), []);
});
