/**
 * What `runs.delete` promises its caller.
 *
 * @module
 */

import assert from "node:assert/strict";
import { forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Awaits a child, and a signal. */
const FAMILY = source(
  `const child = await ctx.child("echo", "child", { id: ctx.runId + "-child" });
   return [child, await ctx.waitForSignal("go")];`,
  `{ name: "family" }`,
);

forEachDatabase("deleting a run", (database, test) => {
  test("an ended run is removed at once with its key; its id and its key are free", async () => {
    await using at = await scene(database);
    const { runs } = at.node;
    const options = { runId: "r", idempotencyKey: "k" };
    await resultOf(await at.node.start("echo", 1, options));
    const report = await runs.delete("r");
    assert.deepEqual(report, { runs: 1, generations: 0, events: 0, keys: 1 });
    await refused(at.node.run("r").status(), "RUN_NOT_FOUND", '"r"');
    await refused(runs.delete("r"), "RUN_NOT_FOUND", '"r"', "delete");
    assert.equal(await resultOf(await at.node.start("echo", 2, options)), 2);
  });

  test("a live or parked run is refused, and continues", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" }, { runId: "r" });
    await reached(run, "suspended");
    await refused(at.node.runs.delete("r"), "RUN_STATE", "suspended", "cancel or terminate");
    await run.signal("go", 1);
    assert.deepEqual(await resultOf(run), [{ wait: "go" }, 1]);
    assert.equal((await at.node.runs.delete("r")).events, 1);
  });

  test("a child is refused for as long as its parent may request it again", async () => {
    await using at = await scene(database, { "family.ts": FAMILY });
    const parent = await at.node.start("family", null, { runId: "p" });
    await eventually(
      async () => (await parent.status()).waits.some(({ kind }) => kind === "signal") || undefined,
      () => "parent that waits for the signal",
    );
    await refused(at.node.runs.delete("p-child"), "RUN_AWAITED", '"p"', '"p-child"');
    await parent.signal("go");
    await resultOf(parent);
    assert.equal((await at.node.runs.delete("p-child")).runs, 1);
    assert.equal((await at.node.runs.delete("p")).runs, 1);
  });

  test("a run that has just ended notifies its parent and its children first", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" }, { runId: "r" });
    await reached(run, "suspended");
    await using store = await at.db.open();
    // As after the end of a run whose node died before it notified the relatives.
    await store.runs.end("r", "terminated", "{}", { onlyStuck: false });
    await at.db.query(`update {schema}.runs set has_children = true, must_notify = true`);
    assert.equal((await at.node.runs.delete("r")).runs, 1);
  });

  test("the namespace is that of the instance, or the given one", async () => {
    await using at = await scene(database);
    await resultOf(await at.node.start("echo", 1, { runId: "r", namespace: "b" }));
    await refused(at.node.runs.delete("r"), "RUN_NOT_FOUND", '"r"');
    assert.equal((await at.node.runs.delete("r", { namespace: "b" })).runs, 1);
  });

  test("two calls at once: one removes the run, the other finds none", async () => {
    await using at = await scene(database);
    await resultOf(await at.node.start("echo", 1, { runId: "r" }));
    const calls = await Promise.allSettled([at.node.runs.delete("r"), at.node.runs.delete("r")]);
    assert.deepEqual(calls.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const [lost] = calls.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    assert.equal(lost!.reason.code, "RUN_NOT_FOUND");
  });
});
