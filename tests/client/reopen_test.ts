/**
 * What `run.reopen` promises its caller.
 *
 * @module
 */

import assert from "node:assert/strict";
import { forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Throws after its first step. */
const BROKEN = source(
  `const amount = await ctx.run("quote", () => 10);
   ctx.setStatus(amount);
   const items: any = undefined;
   return await ctx.run("charge", () => [amount, items.length]);
   `.replace("() => [amount, items.length]", "((n) => () => [amount, n])(items.length)"),
  `{ name: "order", version: "1" }`,
);
const FIXED = BROKEN.replace("= undefined", "= [1, 2]");
const OTHER = FIXED.replace(`"quote"`, `"estimate"`);

/** Starts the broken order as its child. */
const PARENT = source(
  `try {
     return await ctx.child("order", null, { id: "child" });
   } catch {
     return await ctx.waitForSignal("go");
   }`,
  `{ name: "parent" }`,
);

/** Throws while a child and an activity are under way; the child has an end of its own. */
const FAMILY = source(
  `const child = await ctx.startChild("echo", { wait: "go" }, { id: "kid", parentClose: "abandon" });
   const end = child.result();
   await ctx.run("step", () => 1);
   if (FAILS) throw new TypeError("wrong");
   return await end;`,
  `{ name: "family", version: "1" }`,
  "const FAILS = true;",
);
const CALM = FAMILY.replace("FAILS = true", "FAILS = false");

forEachDatabase("reopening a run", (database, test) => {
  test("a run that failed by its code continues under its id on code that replays its history", async () => {
    await using at = await scene(database, { "1.ts": BROKEN, "2.ts": FIXED });
    const run = await at.node.start(at.folder.url + "1.ts", null, { runId: "o" });
    await assert.rejects(resultOf(run), /undefined/);
    const to = at.folder.url + "2.ts";
    const tried = await run.reopen({ to, dryRun: true });
    assert.deepEqual([tried.reopened, (await run.status()).state], [true, "failed"]);
    const report = await run.reopen({ to });
    assert.equal(report.reopened, true);
    assert.deepEqual(await resultOf(run), [10, 2]);
    const status = await run.status();
    assert.deepEqual([status.error, status.version.hash, status.custom], [
      undefined,
      report.to,
      10,
    ]);
    assert.deepEqual((await run.history()).map(({ kind }) => kind), [
      "step.completed",
      "status.set",
      "version.changed",
      "step.completed",
    ]);
    await refused(run.reopen({ to }), "RUN_STATE", "completed", "failed");
  });

  test("it stays failed where its history drifts, or where the code would throw again", async () => {
    await using at = await scene(database, { "1.ts": BROKEN, "3.ts": OTHER });
    const run = await at.node.start(at.folder.url + "1.ts", null, { runId: "o" });
    await assert.rejects(resultOf(run));
    const drifts = await run.reopen({ to: at.folder.url + "3.ts" });
    assert.deepEqual([drifts.reopened, drifts.drift?.seq], [false, 0]);
    const again = await run.reopen({ to: at.folder.url + "1.ts" });
    assert.equal(again.reopened, false);
    assert.match(String(again.fails), /undefined/);
    assert.equal((await run.status()).state, "failed");
    await assert.rejects(resultOf(run), /undefined/);
  });

  test("a run that waits, was cancelled or timed out is refused", async () => {
    await using at = await scene(database);
    const waits = await at.node.start("echo", { wait: "go" }, { runId: "w" });
    await reached(waits, "suspended");
    await refused(waits.reopen(), "RUN_STATE", "suspended", "failed");
    await waits.cancel();
    await assert.rejects(resultOf(waits));
    await refused(waits.reopen(), "RUN_STATE", "cancelled", "fork");
    const late = await at.node.start("echo", { wait: "go" }, { runId: "t", timeout: 50 });
    await assert.rejects(resultOf(late), /timed out|longer|timeout/i);
    await refused(late.reopen(), "RUN_STATE", "timeout", "fork");
    await refused(at.node.run("none").reopen(), "RUN_NOT_FOUND", '"none"');
  });

  test("a child whose parent has received its failure is refused", async () => {
    await using at = await scene(database, { "1.ts": BROKEN, "2.ts": FIXED, "p.ts": PARENT });
    const alone = await at.node.start(at.folder.url + "1.ts", null);
    await at.node.versions.activate("order", (await alone.status()).version.hash);
    const parent = await at.node.start("parent", null, { runId: "p" });
    await reached(parent, "suspended");
    const child = at.node.run("child");
    await assert.rejects(resultOf(child));
    await eventually(
      async () => (await parent.status()).waits.some(({ kind }) => kind === "signal") || undefined,
      () => "parent that waits for the signal",
    );
    const to = at.folder.url + "2.ts";
    await refused(child.reopen({ to }), "RUN_END_REPORTED", '"p"', "fork");
    assert.equal((await child.status()).state, "failed");
    await parent.terminate();
  });

  test("of two calls at once one reopens the run", async () => {
    await using at = await scene(database, { "1.ts": BROKEN, "2.ts": FIXED });
    const run = await at.node.start(at.folder.url + "1.ts", null, { runId: "o" });
    await assert.rejects(resultOf(run));
    const to = at.folder.url + "2.ts";
    const calls = await Promise.allSettled([run.reopen({ to }), run.reopen({ to })]);
    assert.deepEqual(calls.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.deepEqual(await resultOf(run), [10, 2]);
    assert.equal((await run.history()).filter(({ kind }) => kind === "version.changed").length, 1);
  });

  test("a child that ended while the run was failed is received when the run continues", async () => {
    await using at = await scene(database, { "1.ts": FAMILY, "2.ts": CALM });
    const run = await at.node.start(at.folder.url + "1.ts", null, { runId: "o" });
    await assert.rejects(resultOf(run), /wrong/);
    const kid = at.node.run("kid");
    await kid.signal("go", 1);
    await resultOf(kid);
    assert.equal((await run.reopen({ to: at.folder.url + "2.ts" })).reopened, true);
    assert.deepEqual(await resultOf(run), [{ wait: "go" }, 1]);
  });
});
