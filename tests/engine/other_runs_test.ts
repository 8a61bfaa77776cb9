/**
 * Signals and cancellations from one run to any other, by its id.
 *
 * @module
 */

import assert from "node:assert/strict";
import { testEngine } from "../../src/testing/mod.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";

const waits = defineWorkflow({ name: "waits" }, async (ctx) => {
  const seen: unknown[] = [];
  for await (const n of ctx.signals<number>("n")) {
    if (n === 0) return seen;
    seen.push(n);
  }
});

const sends = defineWorkflow({ name: "sends" }, async (ctx, to: string) => {
  const other = ctx.handle(to);
  const answers: unknown[] = [other.id, await other.signal("n", 1)];
  await ctx.sleep("1h"); // it is executed anew after this
  answers.push(await ctx.handle(waits, to).signal("n", 2), await other.signal("n", 0));
  await ctx.sleep("1h");
  answers.push(await other.signal("n", 3), await other.cancel());
  answers.push(await ctx.handle("missing").signal("n"), await ctx.handle("missing").cancel());
  return answers;
});

const stops = defineWorkflow(
  { name: "stops" },
  async (ctx, to: string) => await ctx.handle(to).cancel(),
);

Deno.test("a run signals and cancels any other, once, and learns whether it was there", async () => {
  await using engine = await testEngine({ workflows: [waits, sends, stops] });
  const other = await engine.start(waits, undefined, { runId: "other" });
  const sender = await engine.start(sends, "other");
  assert.deepEqual(await sender.result(), ["other", true, true, true, false, false, false, false]);
  assert.deepEqual(await other.result(), [1, 2]);
  const third = await engine.start(waits);
  assert.equal(await (await engine.start(stops, third.id)).result(), true);
  await assert.rejects(third.result(), { code: "RUN_CANCELLED" });
});
