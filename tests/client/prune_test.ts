/**
 * What `runs.prune` promises its caller.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defineActivity } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Continues as new until there are so many generations, then waits for a signal. */
const GROWS = source(
  `await ctx.run("step", () => input.turn);
   if (input.turn < input.turns) return ctx.continueAsNew({ ...input, turn: input.turn + 1 });
   return await ctx.waitForSignal("go");`,
  `{ name: "grows" }`,
);

/** Awaits a child, and a signal. */
const FAMILY = source(
  `const child = await ctx.child("echo", "child", { id: ctx.runId + "-child" });
   return [child, await ctx.waitForSignal("go")];`,
  `{ name: "family" }`,
);

/** What a prune is asked, and words of what is said of it. */
const BAD: readonly (readonly [unknown, ...string[]])[] = [
  [undefined, "an object"],
  [{}, "olderThan", "found neither", "exactly one"],
  [{ olderThan: "1d", before: new Date() }, "olderThan", "found both", "exactly one"],
  [{ olderThan: "soon" }, "olderThan of runs.prune()", '"soon"'],
  [{ olderThan: -1 }, "olderThan", "found -1"],
  [{ before: "2026-01-01" }, "before", '"2026-01-01"', "a Date from 1970 to 9999"],
  [{ before: new Date(NaN) }, "before", "an invalid Date"],
  [{ olderThan: 0, states: [] }, "states", "an array of completed, failed"],
  [{ olderThan: 0, states: ["running"] }, "states", "terminated"],
  [{ olderThan: 0, states: "failed" }, "states", '"failed"'],
  [{ olderThan: 0, workflow: "" }, "option workflow", 'found ""'],
  [{ olderThan: 0, namespace: 7 }, "option namespace", "found 7"],
  [{ olderThan: 0, limit: 0 }, "limit", "found 0", "a whole number from 1"],
  [{ olderThan: 0, limit: 1.5 }, "limit", "found 1.5"],
  [{ olderThan: 0, dryRun: "yes" }, "dryRun", '"yes"', "true or false"],
  [{ olderThan: 0, generations: 1 }, "generations", "found 1"],
  [{ olderThan: 0, state: "failed" }, '"state"', "olderThan, before"],
];

forEachDatabase("removing runs", (database, test) => {
  test("ended runs of that age are removed and counted; those that wait are not", async () => {
    await using at = await scene(database);
    const { runs } = at.node;
    const done = await at.node.start("echo", 1, { runId: "done" });
    await resultOf(done);
    const waits = await at.node.start("echo", { wait: "go" }, { runId: "waits" });
    await reached(waits, "suspended");
    const none = { runs: 0, generations: 0, events: 0, keys: 0 };
    assert.deepEqual(await runs.prune({ olderThan: "1h" }), none);
    assert.deepEqual(await runs.prune({ before: new Date(0) }), none);
    assert.deepEqual(await runs.prune({ olderThan: 0, dryRun: true }), { ...none, runs: 1 });
    assert.equal((await done.status()).state, "completed");

    assert.deepEqual(await runs.prune({ olderThan: 0 }), { ...none, runs: 1 });
    await refused(done.status(), "RUN_NOT_FOUND", '"done"');
    await refused(at.node.run("done").result(), "RUN_NOT_FOUND", '"done"');
    await waits.signal("go", "on");
    assert.deepEqual(await resultOf(waits), [{ wait: "go" }, "on"]);
  });

  test("a key goes with its run: the same start is a new run then, under a new id", async () => {
    await using at = await scene(database);
    const options = { idempotencyKey: "k" };
    const first = await at.node.start("echo", 1, options);
    await resultOf(first);
    assert.equal((await at.node.start("echo", 1, options)).id, first.id);
    assert.equal((await at.node.runs.prune({ olderThan: 0 })).keys, 1);
    const second = await at.node.start("echo", 2, options);
    assert.notEqual(second.id, first.id);
    assert.equal(await resultOf(second), 2, "also with another input");
  });

  test("an id is free again", async () => {
    await using at = await scene(database);
    await resultOf(await at.node.start("echo", 1, { runId: "r" }));
    await refused(at.node.start("echo", 2, { runId: "r" }), "RUN_EXISTS", '"r"');
    await at.node.runs.prune({ olderThan: 0 });
    assert.equal(await resultOf(await at.node.start("echo", 2, { runId: "r" })), 2);
  });

  test("states, workflow, namespace and limit narrow what goes", async () => {
    await using at = await scene(database, { "grows.ts": GROWS });
    const { runs } = at.node;
    await resultOf(await at.node.start("echo", 1));
    await resultOf(await at.node.start("echo", 2, { namespace: "b" }));
    const grows = await at.node.start("grows", { turn: 0, turns: 0 });
    await reached(grows, "suspended");
    await grows.terminate();
    assert.equal((await runs.prune({ olderThan: 0, states: ["failed"] })).runs, 0);
    assert.equal((await runs.prune({ olderThan: 0, namespace: "c" })).runs, 0);
    assert.equal((await runs.prune({ olderThan: 0, workflow: "nothing" })).runs, 0);
    assert.equal((await runs.prune({ olderThan: 0, namespace: "b" })).runs, 1);
    const grown = await runs.prune({ olderThan: 0, workflow: "grows", states: ["terminated"] });
    assert.deepEqual([grown.runs, grown.events], [1, 1]);
    await at.node.startMany("echo", [{ input: 1 }, { input: 2 }]);
    await eventually(
      async () => await runs.count({ where: { state: "completed" } }) === 3 || undefined,
      () => "three completed runs",
    );
    assert.equal((await runs.prune({ olderThan: 0, limit: 2 })).runs, 2);
    assert.equal(await runs.count(), 1);
  });

  test("a child stays for as long as its parent's generation may ask for it", async () => {
    await using at = await scene(database, { "family.ts": FAMILY });
    const parent = await at.node.start("family", null, { runId: "p" });
    await eventually(
      async () => (await parent.status()).waits.some(({ kind }) => kind === "signal") || undefined,
      () => "parent that waits for the signal",
    );
    assert.equal((await at.node.runs.prune({ olderThan: 0 })).runs, 0);
    assert.equal((await at.node.run("p-child").status()).state, "completed");
    await parent.signal("go", 1);
    assert.deepEqual(await resultOf(parent), ["child", 1]);
    let runs = 0; // the parent is removed when its children have been notified
    await eventually(
      async () => (runs += (await at.node.runs.prune({ olderThan: 0 })).runs) === 2 || undefined,
      () => `removal of both, but of ${runs}`,
    );
  });

  test("earlier generations are removed by option, while the run continues", async () => {
    await using at = await scene(database, { "grows.ts": GROWS });
    const run = await at.node.start("grows", { turn: 0, turns: 3 });
    await eventually(
      async () => (await run.status()).generation === 3 || undefined,
      () => "fourth generation",
    );
    assert.equal((await at.node.runs.prune({ olderThan: 0 })).generations, 0);
    const removed = await at.node.runs.prune({ olderThan: 0, generations: true });
    assert.deepEqual(removed, { runs: 0, generations: 3, events: 3, keys: 0 });
    assert.deepEqual((await run.generations()).map(({ number }) => number), [3]);
    await refused(run.history({ generation: 1 }), "GENERATION_NOT_FOUND", "wanted 3, the only one");
    await run.signal("go", "done");
    assert.equal(await resultOf(run), "done");
  });

  test("a schedule continues without the runs that it started", async () => {
    await using at = await scene(database);
    const { schedules } = at.node;
    await schedules.create({ id: "s", workflow: "echo", input: 1, every: "365d" });
    const run = await schedules.trigger("s");
    await resultOf(run);
    assert.equal((await at.node.runs.prune({ olderThan: 0 })).runs, 1);
    const [latest] = (await schedules.get("s")).recent;
    assert.deepEqual([latest?.runId, latest?.state], [run.id, null]);
    assert.equal(await resultOf(await schedules.trigger("s")), 1);
  });

  test("runs that are executed meanwhile notice nothing", async () => {
    await using at = await scene(database);
    const ended = Array.from({ length: 1_000 }, (_, n) => ({ input: n }));
    await at.node.startMany("echo", ended);
    await eventually(
      async () =>
        await at.node.runs.count({ where: { state: "completed" } }) === 1_000 || undefined,
      () => "thousand completed runs",
    );
    await at.db.query(
      `update {schema}.runs set created_at = created_at - interval '1 hour',
        ended_at = ended_at - interval '1 hour'`,
    );
    const pruning = at.node.runs.prune({ olderThan: "30m" });
    const following = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const run = await at.node.start("echo", { wait: "go" });
        await run.signal("go", n);
        return run;
      }),
    );
    const results = await Promise.all(following.map((run) => resultOf(run)));
    assert.deepEqual(results.map((result) => (result as unknown[])[1]), [...Array(50).keys()]);
    assert.equal((await pruning).runs, 1_000);
    assert.equal(await at.node.runs.count(), 50);
  });

  test("results under idempotency keys are removed by their own age; the activity runs again then", async () => {
    let charges = 0;
    const charge = defineActivity({ name: "charge" }, () => ++charges);
    const calls = source(
      `return await ctx.activity("charge", null, { idempotencyKey: input });`,
      `{ name: "calls" }`,
    );
    await using at = await scene(database, { "calls.ts": calls }, { activities: [charge] });
    const { runs } = at.node;
    const paid = async (id: string) => await resultOf(await at.node.start("calls", id));
    assert.deepEqual([await paid("a"), await paid("b"), await paid("a")], [1, 2, 1]);
    await runs.prune({ olderThan: 0 });
    assert.equal(await paid("a"), 1, "it belongs to no run");
    assert.equal(await runs.pruneResults({ olderThan: "1h" }), 0);
    assert.equal(await at.node.runs.pruneResults({ olderThan: 0, activity: "refund" }), 0);
    assert.equal(await at.node.runs.pruneResults({ olderThan: 0, namespace: "b" }), 0);
    assert.equal(await at.node.runs.pruneResults({ olderThan: 0, dryRun: true }), 2);
    assert.equal(
      await at.node.runs.pruneResults({ olderThan: 0, activity: "charge", limit: 1 }),
      1,
    );
    assert.deepEqual([await paid("a"), await paid("b")], [3, 2], "the oldest went");
  });

  test("a prune that can't be meant names its option, and removes nothing", async () => {
    await using at = await scene(database);
    await resultOf(await at.node.start("echo", 1));
    for (const [options, ...words] of BAD) {
      await refused(at.node.runs.prune(options as never), "INVALID_ARGUMENT", ...words);
    }
    assert.equal(await at.node.runs.count(), 1);
    const bad = { olderThan: 0, activity: "" };
    await refused(
      at.node.runs.pruneResults(bad),
      "INVALID_ARGUMENT",
      "an activity",
      'found ""',
    );
    await refused(
      at.node.runs.pruneResults({}),
      "INVALID_ARGUMENT",
      "runs.pruneResults()",
      "neither",
    );
    await refused(
      at.node.runs.pruneResults({ olderThan: 0, states: ["failed"] } as never),
      "INVALID_ARGUMENT",
      '"states"',
      "activity",
    );
  });
});
