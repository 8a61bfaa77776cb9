/**
 * Timeouts and retry policies of runs, as callers set and see them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { isContinuumError } from "../../src/base/errors.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { reached, resultOf } from "../support/runs.ts";
import { forEachDatabase } from "../support/database.ts";
import { refused, scene, source } from "../support/scene.ts";

const HOUR = 3_600_000;

/** Waits, for an hour at most by its definition. */
const BOUNDED = source(
  `return await ctx.waitForSignal("go");`,
  `{ name: "bounded", timeout: "1h" }`,
);

/** Throws once; by its definition it is tried again after an hour. */
const FLAKY = source(
  `if (ctx.attempt === 1) throw new Error("not at first");
   return ctx.attempt;`,
  `{ name: "flaky", retry: { maxAttempts: 2, initial: "1h", jitter: 0 } }`,
);

const PARENT = source(
  `await ctx.startChild("bounded", null, { id: "as-defined" });
   await ctx.startChild("bounded", null, { id: "as-asked", timeout: "2h" });
   await ctx.waitForSignal("go");`,
  `{ name: "parent" }`,
);

/** Fails with what ended another run. */
const CONFUSED = source(
  `await ctx.child("bounded", null, { id: "inner", timeout: 1 }).catch((error) => {
     throw error.cause;
   });`,
  `{ name: "confused" }`,
);

const FILES = {
  "bounded.ts": BOUNDED,
  "flaky.ts": FLAKY,
  "parent.ts": PARENT,
  "confused.ts": CONFUSED,
};

/** Milliseconds from a run's creation to its deadline. */
async function allowed(run: RunHandle): Promise<number | null> {
  const { deadline, createdAt } = await run.status();
  return deadline === null ? null : deadline.getTime() - createdAt.getTime();
}

forEachDatabase("policies of runs", (database, test) => {
  test("a start overrides the definition, also for a caller that knows only the name", async () => {
    await using at = await scene(database, FILES);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    for (const from of [at.node, client]) {
      assert.equal(await allowed(await from.start("bounded", null)), HOUR);
      assert.equal(await allowed(await from.start("bounded", null, { timeout: "2h" })), 2 * HOUR);
      assert.equal(await allowed(await from.start("echo", 1)), null);
    }
    const late = await client.start("bounded", null, { delay: "3h" });
    assert.equal(await allowed(late), 4 * HOUR);
    const items = [{ input: 1 }, { input: 2, timeout: "5h" }, { input: 3, retry: {} }];
    const started = await client.startMany("bounded", items, { timeout: "2h" });
    const times = started.map((item) => item.status === "started" ? allowed(item.run) : null);
    assert.deepEqual(await Promise.all(times), [2 * HOUR, 5 * HOUR, 2 * HOUR]);
  });

  test("children and runs of schedules have what their definition says, or what is asked", async () => {
    await using at = await scene(database, FILES);
    const parent = await at.node.start("parent", null);
    await reached(parent, "suspended");
    assert.equal(await allowed(at.node.run("as-defined")), HOUR);
    assert.equal(await allowed(at.node.run("as-asked")), 2 * HOUR);
    const { schedules } = at.node;
    const timing = { at: new Date(9e12), workflow: "bounded" };
    await schedules.create({ id: "defined", ...timing });
    await schedules.create({ id: "asked", ...timing, timeout: "3h" });
    assert.equal(await allowed(await schedules.trigger("defined")), HOUR);
    assert.equal(await allowed(await schedules.trigger("asked")), 3 * HOUR);
  });

  test("the result of a run that timed out says so, with its time", async () => {
    await using at = await scene(database, FILES);
    const run = await at.node.start("bounded", null, { timeout: 1 });
    await assert.rejects(resultOf(run), (error: Error) => {
      assert(isContinuumError(error, "RUN_TIMEOUT"));
      assert.deepEqual(error.details, { runId: run.id, timeout: 1 });
      return true;
    });
    assert.equal((await run.status()).state, "failed");
    const confused = await at.node.start("confused", null);
    await refused(resultOf(confused), "RUN_FAILED", confused.id, '"inner" timed out');
  });

  test("a run that rests says before which attempt, until when and why", async () => {
    await using at = await scene(database, FILES);
    const run = await at.node.start("flaky", null, { timeout: "1d" });
    const status = await reached(run, "suspended");
    const until = status.until!;
    assert.match(status.reason!, /^rests before attempt 2 of the run until \d{4}-/);
    assert.deepEqual(status.waits, [{ kind: "retry", name: "attempt 2", position: 0, until }]);
    assert.equal(status.attempt, 2);
    assert.equal((status.lastError as Error).message, "not at first");
    assert.deepEqual([status.startedAt, status.events], [null, 0]);
    assert.equal(await allowed(run), 24 * HOUR);
    const { upgraded } = await run.upgrade(); // looks at the run, and puts it back
    assert.equal(upgraded, true);
    assert.equal((await run.status()).until?.getTime(), until.getTime());
    await at.db.query(`update {schema}.runs set start_at = null, wake_at = clock_timestamp()`);
    assert.equal(await resultOf(run), 2);
    const end = await run.status();
    assert.deepEqual([end.attempt, (end.lastError as Error).message], [2, "not at first"]);
  });
});
