/**
 * Doubles of steps and transactions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { answers, double, fails, hangs, testEngine } from "../../src/testing/mod.ts";
import { defineActivity, defineWorkflow } from "../../src/workflow/mod.ts";

const RETRIED = { retry: { initial: "1m", maxAttempts: 3 } } as const;

const buy = defineWorkflow({ name: "buy" }, async (ctx, sku: string) => {
  const price = await ctx.run("look up the price", (): number => {
    throw new Error(`There is no shop for ${sku}`);
  }, RETRIED);
  await ctx.transaction("note", (tx) => tx.query("insert into bought values ($1)", [sku]));
  return { price, kept: await ctx.run("keep", () => "real") };
});

Deno.test("a step and a transaction are replaced by name, the others are real, and it replays", async () => {
  const noted: number[] = [];
  await using engine = await testEngine({
    workflows: [buy],
    steps: {
      "look up the price": answers<number>(fails(new Error("busy")), 30),
      note: ({ attempt }) => void noted.push(attempt),
    },
  });
  const run = await engine.start(buy, "A-7");
  assert.deepEqual(await run.result(), { price: 30, kept: "real" });
  assert.deepEqual(noted, [1]);
  assert.equal(engine.now.getTime() > Date.parse("2030-01-01T00:00:00Z"), true, "it was retried");
});

Deno.test("a step's double is changed meanwhile, and may hang until the step's timeout", async () => {
  const slow = defineWorkflow(
    { name: "slow" },
    (ctx) => ctx.run("ask", () => "real", { ...RETRIED, timeout: "1h" }),
  );
  await using engine = await testEngine({ workflows: [slow], steps: { ask: hangs() } });
  const run = await engine.start(slow);
  await engine.advance("30m");
  engine.doubleStep("ask", () => "late");
  await engine.advance("29m");
  assert.equal((await run.status()).state !== "completed", true, "the first attempt still hangs");
  assert.equal(await run.result(), "late");
});

Deno.test("double() gives an activity's double its types, and what is no double is refused by name", async () => {
  const charge = defineActivity({ name: "charge" }, (cents: number): string => `real ${cents}`);
  const pay = defineWorkflow({ name: "pay" }, (ctx, cents: number) => ctx.activity(charge, cents));
  await using engine = await testEngine({
    workflows: [pay],
    activities: [double(charge, (cents) => `double ${cents}`)],
  });
  assert.equal(await (await engine.start(pay, 3)).result(), "double 3");
  assert.equal(await engine.run(pay, (await engine.start(pay, 4)).id).result(), "double 4");
  assert.throws(() => engine.doubleStep("ask", 7 as never), /double of step "ask": found 7/);
  assert.throws(() => engine.doubleStep("", () => 1), { code: "INVALID_ARGUMENT" });
  for (const steps of [[], "ask", { ask: 7 }]) {
    await assert.rejects(testEngine({ steps: steps as never }), { code: "INVALID_ARGUMENT" });
  }
});
