/**
 * `ask`: a run is asked, in its database and by an observer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { observedCli } from "../support/cli_observed.ts";
import { CliWorld } from "../support/cli_world.ts";
import { reached } from "../support/runs.ts";
import { source } from "../support/scene.ts";

const CART = source(
  `const items: unknown[] = [];
ctx.on("add", (item) => {
  if (item === null) throw new RangeError("nothing to add");
  return { items: items.push(item) };
});
await ctx.waitForSignal("pay");`,
  `{ name: "cart" }`,
);

Deno.test("ask prints what a run answers, from its database and from an observer", async () => {
  await using world = await CliWorld.make({ "cart.ts": CART });
  const node = await world.node("cart.ts");
  const run = await node.start("cart", null, { runId: "c-1" });
  await reached(run, "suspended");
  await using server = observedCli(node);
  const first = ["ask", "c-1", "add", '"bread"', "--ask-id", "a"];
  const answered = { code: 0, out: '{\n  "items": 1\n}\n', error: "" };
  assert.deepEqual(await world.here(first), answered);
  assert.deepEqual(await server.there(first), answered, "the same ask has the same answer");
  const second = await server.there(["ask", "c-1", "add", '"milk"', "--json"]);
  const { ask, ...found } = JSON.parse(second.out);
  assert.deepEqual(found, { id: "c-1", answered: true, answer: { items: 2 } });
  assert.deepEqual(await run.answer(ask), { items: 2 });
  for (const ended of [world.here, server.there].map((at) => at.bind(world))) {
    const failed = await ended(["ask", "c-1", "add", "null"]);
    assert.deepEqual([failed.code, failed.out], [6, ""]);
    assert.match(failed.error, /^ASK_FAILED: Run "c-1" failed to answer .*: nothing to add/);
    assert.equal((await ended(["ask", "none", "add"])).code, 4);
    const dry = await ended(["ask", "c-1", "add", '"tea"', "--dry-run"]);
    assert.match(dry.out, /ask run c-1 by signal add/);
  }
  const late = await server.there(["ask", "c-1", "other", "--timeout", "1s"]);
  assert.equal(late.code, 124, late.error);
  assert.deepEqual(await run.ask("add", "tea"), { items: 3 });
});
