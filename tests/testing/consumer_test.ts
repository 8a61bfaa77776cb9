/**
 * Tests as users write them: nothing but the package's public entries.
 *
 * @module
 */

import assert from "node:assert/strict";
import { answers, assertReplays, fails, hangs, testEngine } from "@continuum/continuum/testing";
import { defineActivity, defineWorkflow, TimeoutError } from "@continuum/continuum/workflow";

interface Order {
  readonly id: string;
  readonly amount: number;
}

const charge = defineActivity(
  { name: "charge", retry: { maxAttempts: 4, initial: "1h", max: "1d", jitter: 0 } },
  (_order: Order): string => {
    throw new Error("Tests charge no card");
  },
);

const order = defineWorkflow({ name: "order" }, async (ctx, order: Order) => {
  const receipt = await ctx.activity(charge, order);
  const review = await ctx.waitForSignal<string>("review", {
    timeout: "24h",
    otherwise: "approved",
  });
  await ctx.sleep("30d");
  const thanks = await ctx.activity<string>("thank", order.id);
  return { receipt, review, thanks, day: ctx.today() };
});

Deno.test("a workflow of a month ends at once, with doubles in place of its activities", async () => {
  await using engine = await testEngine({
    workflows: [order],
    activities: { charge: () => "r-1", thank: (id) => `Thank you for ${id}` },
  });
  const run = await engine.start(order, { id: "o-1", amount: 30 });
  assert.deepEqual(await run.result(), {
    receipt: "r-1",
    review: "approved",
    thanks: "Thank you for o-1",
    day: "2030-02-01",
  });
  assert.equal(engine.now.toISOString(), "2030-02-01T00:00:00.000Z");
  assert.deepEqual(engine.calls().map(({ activity, input, at }) => [activity, input, at]), [
    ["charge", { id: "o-1", amount: 30 }, new Date("2030-01-01")],
    ["thank", "o-1", new Date("2030-02-01")],
  ]);
});

Deno.test("a signal that is sent before the result is awaited comes before the timeout", async () => {
  await using engine = await testEngine({
    workflows: [order],
    activities: [[charge, () => "r-1"]],
  });
  engine.double("thank", () => "Thanks");
  const run = await engine.start(order, { id: "o-1", amount: 30 });
  await run.signal("review", "looked at");
  assert.equal((await run.result()).review, "looked at");
});

Deno.test("back-off between attempts is skipped, and every attempt is recorded", async () => {
  await using engine = await testEngine({
    workflows: [order],
    activities: {
      charge: answers(fails(new Error("busy")), fails(new Error("busy")), "r-3"),
      thank: () => "Thanks",
    },
  });
  const run = await engine.start(order, { id: "o-1", amount: 30 });
  assert.equal((await run.result()).receipt, "r-3");
  assert.deepEqual(engine.calls(charge).map(({ attempt, at }) => [attempt, at.toISOString()]), [
    [1, "2030-01-01T00:00:00.000Z"],
    [2, "2030-01-01T01:00:00.000Z"],
    [3, "2030-01-01T03:00:00.000Z"],
  ]);
});

Deno.test("a double that hangs runs into its timeout, without waiting", async () => {
  const slow = defineActivity(
    { name: "slow", timeout: "10m", retry: { maxAttempts: 1 } },
    () => "never called",
  );
  const patient = defineWorkflow({ name: "patient" }, async (ctx) => {
    try {
      return await ctx.activity(slow, undefined);
    } catch (error) {
      return (error as Error).message;
    }
  });
  await using engine = await testEngine({ workflows: [patient], activities: { slow: hangs() } });
  const run = await engine.start(patient, undefined);
  assert.match(await run.result() as string, /took longer than 600000 ms/);
  assert.equal(engine.now.toISOString(), "2030-01-01T00:10:00.000Z");
});

Deno.test("by hand, time passes only when the test moves it", async () => {
  await using engine = await testEngine({
    workflows: [order],
    activities: { charge: () => "r-1", thank: () => "Thanks" },
    time: "manual",
    now: "2031-05-01T12:00:00Z",
  });
  const run = await engine.start(order, { id: "o-1", amount: 30 });
  await engine.settled();
  assert.equal((await run.status()).waits[0]?.kind, "signal");
  await engine.advance("23h");
  await run.signal("review", "just in time");
  await engine.settled();
  assert.equal((await run.status()).waits[0]?.kind, "sleep");
  await engine.skipTo("2031-06-01T12:00:00Z");
  assert.deepEqual((await run.result()).review, "just in time");
});

Deno.test("a history is kept, and held against later code", async () => {
  let history: string;
  {
    await using engine = await testEngine({
      workflows: [order],
      activities: { charge: () => "r-1", thank: () => "Thanks" },
    });
    const run = await engine.start(order, { id: "o-1", amount: 30 });
    await run.result();
    history = JSON.stringify(await run.dump());
  }
  await assertReplays(order, history);
  await assertReplays({ default: order }, JSON.parse(history));
  const later = defineWorkflow({ name: "order" }, async (ctx, order: Order) => {
    await ctx.sleep("1h");
    return await ctx.activity(charge, order);
  });
  await assert.rejects(assertReplays(later, history), {
    code: "REPLAY_FAILED",
    message: /consumer_test\.ts:\d+/,
  });
});

Deno.test("code that depends on more than its history fails its test", async () => {
  let calls = 0;
  const forgetful = defineWorkflow({ name: "forgetful" }, async (ctx) => {
    if (calls++ > 0) await ctx.run("second", () => 2);
    return await ctx.run("first", () => 1);
  });
  await assert.rejects(async () => {
    await using engine = await testEngine({ workflows: [forgetful] });
    const run = await engine.start(forgetful, undefined);
    assert.equal(await run.result(), 1);
  }, { code: "REPLAY_FAILED" });
});

Deno.test("a result is awaited no longer than its timeout says, in virtual time", async () => {
  await using engine = await testEngine({
    workflows: [order],
    activities: { charge: () => "r-1", thank: () => "Thanks" },
  });
  const run = await engine.start(order, { id: "o-1", amount: 30 });
  await assert.rejects(run.result({ timeout: "2d" }), TimeoutError);
  assert.equal(engine.now.toISOString(), "2030-01-03T00:00:00.000Z");
});
