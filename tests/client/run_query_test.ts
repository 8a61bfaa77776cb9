/**
 * Queries: what the code of a run answers about its state.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { Continuum } from "../../src/continuum.ts";
import { testEngine } from "../../src/testing/mod.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Collects what it receives, and answers about it. */
const CART = (answers = "") =>
  source(
    `const items: string[] = [...(input ?? [])];
ctx.on("add", (item: string) => items.push(item));
ctx.onQuery("items", (kind?: string) => items.filter((item) => item.startsWith(kind ?? "")));
ctx.onQuery("bytes", (n: bigint) => new Map([[n, new Date(Number(n))]]));
ctx.onQuery("spoil", () => items.splice(0).length);
ctx.onQuery("clock", () => [typeof Date.now(), typeof Math.random()]);
ctx.onQuery("throws", () => { throw new RangeError("below zero"); });
ctx.onQuery("late", async () => 1);
ctx.onQuery("acts", () => ctx.run("act", () => 1));
ctx.onQuery("loops", () => { while (true); });
ctx.onQuery("function", () => () => 1);
const stop = ctx.onQuery("stopped", () => 1);
stop();
${answers}
const how = await ctx.waitForSignal("end");
if (how === "again") return ctx.continueAsNew(items);
ctx.onQuery("items", () => "sold");
return items.length;`,
    `{ name: "cart" }`,
  );
const FILES = { "cart.ts": CART() };
const FEW = ["acts", "bytes", "clock", "function", "items", "late", "loops", "spoil", "throws"];

forEachDatabase("a query", (database, test) => {
  test("is answered by the run's own code, from its history, and writes nothing", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("cart", ["apple"], { runId: "c" });
    await run.ask("add", "bread");
    const before = await run.history();
    assert.deepEqual(await run.query("items"), ["apple", "bread"]);
    assert.deepEqual(await run.query("items", "b"), ["bread"]);
    assert.deepEqual(await run.query("bytes", 5n), new Map([[5n, new Date(5)]]));
    assert.equal(await run.query("spoil"), 2);
    assert.deepEqual(await run.query("items"), ["apple", "bread"], "nothing is changed");
    assert.deepEqual(await run.query("clock"), ["number", "number"]);
    assert.deepEqual(await run.history(), before);
    await run.pause();
    assert.deepEqual(await run.query("items"), ["apple", "bread"], "of a paused run");
    await run.resume();
    await run.signal("end", "again");
    await run.ask("add", "cake");
    assert.deepEqual(await run.query("items"), ["apple", "bread", "cake"], "of its generation");
    await run.signal("end");
    assert.equal(await resultOf(run), 3);
    assert.equal(await run.query("items"), "sold", "after its end");
  });

  test("without an answer says why", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("cart", null, { runId: "c" });
    await run.ask("add", "bread");
    const unknown = await run.query("stopped").then(() => null, (error) => error);
    assert(isContinuumError(unknown, "UNKNOWN_QUERY"));
    assert.deepEqual(unknown.details, { runId: "c", query: "stopped", queries: FEW });
    assert.match(unknown.message, /found the queries "acts", "bytes", .*, wanted "stopped"/);
    const failed = await run.query("throws").then(() => null, (error) => error);
    assert(isContinuumError(failed, "QUERY_FAILED"));
    assert.equal((failed.cause as Error).name, "RangeError");
    await refused(run.query("late"), "QUERY_FAILED", "returns no promise");
    await refused(run.query("acts"), "QUERY_FAILED", "ctx.run", "only looks at values");
    await refused(run.query("function"), "QUERY_FAILED", "the answer");
    await refused(run.query(""), "INVALID_ARGUMENT", "a query");
    await refused(run.query("items", () => 1), "NOT_SERIALIZABLE");
    await refused(run.query("items", null, { timeout: "soon" as never }), "INVALID_ARGUMENT");
    await refused(at.node.run("none").query("items"), "RUN_NOT_FOUND");
    assert.equal((await run.status()).state, "suspended");
  });
});

forEachDatabase("a query of code that a process has not executed", (database, test) => {
  test("is answered by a subprocess, which ends at a deadline", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("cart", ["apple"], { runId: "c" });
    await run.ask("add", "bread");
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const far = client.run("c");
    assert.deepEqual(await far.query("items", "a"), ["apple"]);
    await refused(far.query("loops", null, { timeout: "3s" }), "SUBPROCESS_TIMEOUT");
    await refused(far.query("stopped"), "UNKNOWN_QUERY", '"items"');
  });
});

Deno.test("a test's run is queried", async () => {
  const counter = defineWorkflow({ name: "counter" }, async (ctx) => {
    let sum = 0;
    ctx.on("add", (n: number) => sum += n);
    ctx.onQuery("sum", (times: number) => sum * times);
    await ctx.waitForSignal("end");
  });
  await using engine = await testEngine({ workflows: [counter] });
  const run = await engine.start(counter);
  await run.ask("add", 2);
  assert.equal(await run.query<number>("sum", 3), 6);
  await run.signal("end");
  await run.result();
});
