/**
 * Acts on all runs that a query finds: each once, and continued where a process died.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import type { Continuum } from "../../src/continuum.ts";
import type { ActVerdict } from "../../src/client/run/bulk_act.ts";
import { forEachDatabase, POSTGRES } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { holding } from "../support/store_rows.ts";
import { refused, scene, source } from "../support/scene.ts";

const FILES = {
  "order.ts": source(`return await ctx.waitForSignal("go");`, `{ name: "order" }`),
  "strict.ts": source(
    `return await ctx.waitForSignal("go");`,
    `{ name: "strict", signals: { go: number } }`,
    `const number = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) =>
       typeof value === "number" ? { value: value + 1 } : { issues: [{ message: "no number" }] } } };`,
  ),
  "parent.ts": source(
    `return await ctx.child("order", null, { id: "child" });`,
    `{ name: "parent" }`,
  ),
};

async function start(node: Continuum, ids: readonly string[], workflow = "order"): Promise<void> {
  for (const runId of ids) await reached(await node.start(workflow, null, { runId }), "suspended");
}

function by(verdicts: readonly ActVerdict[]): Record<string, string> {
  return Object.fromEntries(verdicts.map(({ id, verdict }) => [id, verdict]));
}

async function states(node: Continuum): Promise<Record<string, string>> {
  const { runs } = await node.runs.query({ limit: 100 });
  return Object.fromEntries(runs.map(({ id, state }) => [id, state]));
}

const ORDERS = { workflow: "order" };

forEachDatabase("acts on many runs", (database, test) => {
  test("runs are paused, resumed, signalled, terminated and deleted by a query", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { runs } = at.node;
    await start(at.node, ["a", "b", "c"]);
    await start(at.node, ["other"], "strict");
    const dry = runs.pause({ where: ORDERS, dryRun: true });
    assert.deepEqual(by(await Array.fromAsync(dry)), { a: "found", b: "found", c: "found" });
    assert.equal(dry.job, null);
    const paused = await Array.fromAsync(runs.pause({ where: ORDERS, reason: "maintenance" }));
    assert.deepEqual(by(paused), { a: "done", b: "done", c: "done" });
    assert.deepEqual(paused[0], {
      verdict: "done",
      id: "a",
      namespace: "default",
      workflow: "order",
      state: "suspended",
      cause: null,
    });
    assert.equal((await at.node.run("a").status()).pause?.reason, "maintenance");
    assert.deepEqual(await states(at.node), {
      a: "paused",
      b: "paused",
      c: "paused",
      other: "suspended",
    });
    const resumed = await Array.fromAsync(runs.resume({ where: {}, limit: 2 }));
    assert.deepEqual(by(resumed), { a: "done", b: "done" });
    const signalled = await Array.fromAsync(
      runs.signal("go", 5, { where: { id: { in: ["a", "c"] } } }),
    );
    assert.deepEqual(by(signalled), { a: "done", c: "done" });
    assert.equal(await at.node.run("a").result(), 5);
    const ended = await Array.fromAsync(runs.terminate({ where: ORDERS, reason: "a bad import" }));
    assert.deepEqual(by(ended), { b: "done", c: "done" });
    await assert.rejects(at.node.run("b").result(), /a bad import/);
    const gone = await Array.fromAsync(runs.delete({ where: ORDERS }));
    assert.deepEqual(by(gone), { a: "done", b: "done", c: "done" });
    assert.deepEqual(await states(at.node), { other: "suspended" });
    const jobs = await runs.jobs();
    assert.deepEqual(
      jobs.map(({ kind, state, examined, counts }) => [kind, state, examined, counts.done]),
      [
        ["delete", "done", 3, 3],
        ["terminate", "done", 2, 2],
        ["signal", "done", 2, 2],
        ["resume", "done", 2, 2],
        ["pause", "done", 3, 3],
      ],
    );
  });

  test("a cancellation reaches runs and their parents, and ends parked runs at once", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const parent = await at.node.start("parent", null, { runId: "parent" });
    await reached(parent, "suspended");
    await reached(at.node.run("child"), "suspended");
    const done = await Array.fromAsync(at.node.runs.cancel({ where: ORDERS, reason: "stop" }));
    assert.deepEqual(by(done), { child: "done" });
    await at.node.run("child").reached("cancelled");
    await parent.reached("failed");
  });

  test("a signal that a version refuses reaches the others, as each schema makes it", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    await start(at.node, ["a"]);
    await start(at.node, ["b"], "strict");
    const first = await Array.fromAsync(at.node.runs.signal("go", "text", { where: {} }));
    assert.deepEqual(by(first), { a: "done", b: "refused" });
    assert.equal(first[1]?.cause?.code, "INVALID_SIGNAL_PAYLOAD");
    const stopped = at.node.runs.signal("stop", 1, { where: {}, stopAfterFailures: 1 });
    assert.equal((await Array.fromAsync(stopped)).at(-1)?.cause?.code, "UNDECLARED_SIGNAL");
    assert.deepEqual(
      by(await Array.fromAsync(at.node.runs.signal("go", 1, { where: { workflow: "strict" } }))),
      { b: "done" },
    );
    assert.equal(await at.node.run("b").result(), 2);
  });

  test("a call that is left is continued, and reaches each run once", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const ids = ["a", "b", "c"];
    await start(at.node, ids);
    const act = at.node.runs.signal("go", 7, { where: ORDERS });
    {
      using _point = armFailPoint("bulk.acted", () => {
        throw new Error("the process dies");
      });
      await assert.rejects(Array.fromAsync(act), /the process dies/);
    }
    const [job] = await at.node.runs.jobs();
    assert.deepEqual([job?.id, job?.kind, job?.state], [act.job, "signal", "paused"]);
    assert.deepEqual(job?.counts.done, 3);
    const left = await at.node.runs.continueJob(act.job!);
    assert.deepEqual(await Array.fromAsync(left), []);
    for (const id of ids) assert.equal(await at.node.run(id).result(), 7);
    assert.equal((await at.node.runs.jobs())[0]?.state, "done");
    // What had not been done is done by the next call.
    await start(at.node, ["d", "e"]);
    const second = at.node.runs.pause({ where: ORDERS });
    {
      using _point = armFailPoint("bulk.found", () => {
        throw new Error("the process dies");
      });
      await assert.rejects(Array.fromAsync(second), /the process dies/);
    }
    assert.deepEqual((await states(at.node)).d, "suspended");
    const rest = await at.node.runs.continueJob(second.job!);
    assert.deepEqual(by(await Array.fromAsync(rest)), { d: "done", e: "done" });
    await refused(at.node.runs.continueJob("none"), "JOB_NOT_FOUND", "none");
  });

  test("BULKACT-2: runs that were deleted before a process died are counted, each once", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const ids = ["a", "b", "c"];
    await start(at.node, ids);
    await start(at.node, ["other"], "strict");
    await Array.fromAsync(at.node.runs.terminate({ where: ORDERS }));
    const act = at.node.runs.delete({ where: ORDERS });
    {
      let deleted = 0;
      using _point = armFailPoint("bulk.deleted", () => {
        if (++deleted === 2) throw new Error("the process dies");
      });
      await assert.rejects(Array.fromAsync(act), /the process dies/);
    }
    assert.deepEqual(await states(at.node), { c: "terminated", other: "suspended" });
    const counted = async () => {
      const [job] = await at.node.runs.jobs();
      return [job?.state, job?.examined, job?.counts.done];
    };
    assert.deepEqual(await counted(), ["paused", 2, 2]);
    const rest = await at.node.runs.continueJob(act.job!);
    assert.deepEqual(by(await Array.fromAsync(rest)), { c: "done" });
    assert.deepEqual(await counted(), ["done", 3, 3]);
  });

  test("calls need conditions, and options that there are", async () => {
    await using at = await scene(database, FILES);
    const { runs } = at.node;
    const wrong: readonly (readonly [() => unknown, string])[] = [
      [() => runs.terminate({} as never), "option where of runs.terminate()"],
      [() => runs.pause({ where: {}, limit: 0 }), "option limit of runs.pause()"],
      [() => runs.resume({ where: {}, reason: "x" } as never), "reason"],
      [() => runs.cancel({ where: { colour: "red" } } as never), "colour"],
      [() => runs.delete({ where: {}, cursor: "x" }), "option cursor of runs.delete()"],
      [() => runs.signal("", 1, { where: {} }), "a signal"],
      [() => runs.signal("s", 1, { where: {}, job: "j" } as never), "job"],
    ];
    for (const [call, word] of wrong) {
      await refused(Promise.try(call), "INVALID_ARGUMENT", word);
    }
    await refused(runs.continueJob(""), "INVALID_ARGUMENT", "the id of a job");
    await refused(runs.delete(7 as never), "INVALID_ARGUMENT", "the id of a run");
    const acted = at.node.asOperator({ name: "ana", reason: "clean-up" });
    await start(at.node, ["a"]);
    await Array.fromAsync(acted.runs.terminate({ where: ORDERS }));
    const [entry] = (await at.node.operations.list()).operations;
    assert.deepEqual([entry?.action, entry?.outcome], ["runs.terminate", "done"]);
  });
});

Deno.test("a run whose row is locked is returned to, and named where it stays locked", async () => {
  await using at = await scene(POSTGRES, FILES, { linger: 0 });
  await start(at.node, ["a", "b"]);
  await holding(at.db, "b", async () => {
    const act = at.node.runs.pause({ where: ORDERS, patience: 0 });
    assert.deepEqual(by(await Array.fromAsync(act)), { a: "done", b: "busy" });
  });
  const again = at.node.runs.pause({ where: ORDERS });
  assert.deepEqual(by(await Array.fromAsync(again)), { b: "done" });
});
