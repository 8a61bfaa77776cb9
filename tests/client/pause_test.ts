/**
 * Pausing runs: nothing of a paused run is executed, and nothing of it is lost.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { defineActivity } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { openIn, reached } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

interface Held {
  began: PromiseWithResolvers<void>;
  end: PromiseWithResolvers<unknown>;
  attempts: number;
}

function held(): Held {
  const held = { began: Promise.withResolvers<void>(), end: Promise.withResolvers(), attempts: 0 };
  (globalThis as unknown as { pauseTest: Held }).pauseTest = held as Held;
  return held as Held;
}

const WORK = `const held = (globalThis as any).pauseTest;
  held.attempts++;
  held.began.resolve();
  return await held.end.promise;`;

const FILES = {
  "step.ts": source(
    `const first = await ctx.run("first", async () => { ${WORK} });
     const second = await ctx.run("second", () => "second");
     return [first, second];`,
    `{ name: "step" }`,
  ),
  "activity.ts": source(
    `return await ctx.activity("work", null, { retry: { initial: 1 } });`,
    `{ name: "activity" }`,
  ),
  "sleeper.ts": source(`await ctx.sleep(60_000); return "woke";`, `{ name: "sleeper" }`),
  "cleaner.ts": source(
    `try { await ctx.waitForSignal("go"); } finally { await ctx.run("clean", () => 1); }`,
    `{ name: "cleaner" }`,
  ),
};

forEachDatabase("a run that is paused", (database, test) => {
  test("keeps its messages and does nothing until it is resumed", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("echo", { wait: "go" });
    await run.reached("suspended");
    await run.pause({ reason: "the bank is down" });
    await run.pause(); // no harm
    const status = await run.status();
    assert.deepEqual([status.state, status.reason], ["paused", "is paused: the bank is down"]);
    assert.equal(status.pause?.reason, "the bank is down");
    assert.deepEqual(status.waits.map(({ name }) => name), ["go"]);
    await run.signal("go", 7);
    await using client = await Continuum.connect({
      database: at.db.database,
      schema: at.db.schema,
    });
    const far = client.run(run.id);
    assert.equal((await far.status()).state, "paused");
    assert.deepEqual((await far.status()).untakenSignals, { go: 1 });
    assert.deepEqual(
      (await client.runs.query({ where: { state: "paused" } })).runs.map(({ id }) => id),
      [run.id],
    );
    await far.resume();
    assert.deepEqual(await run.result(), [{ wait: "go" }, 7]);
    await refused(far.resume(), "RUN_ENDED", run.id);
    await refused(far.pause(), "RUN_ENDED", run.id);
  });

  test("ends the attempt under way first, and begins no other", async () => {
    const work = held();
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("step");
    await work.began.promise;
    await run.pause();
    const { state, pause } = await run.status();
    assert.deepEqual([state, pause?.reason], ["running", null]);
    work.end.resolve("done");
    await run.reached("paused");
    const history = (await run.history()).map(({ name }) => name);
    assert.deepEqual(history, ["first"]);
    await run.resume();
    assert.deepEqual(await run.result(), ["done", "second"]);
    assert.equal(work.attempts, 1);
  });

  test("continues if it is resumed before it was paused", async () => {
    const work = held();
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("step");
    await work.began.promise;
    await run.pause();
    await run.resume();
    await refused(run.resume(), "RUN_STATE", "paused");
    work.end.resolve("done");
    assert.deepEqual(await run.result(), ["done", "second"]);
  });

  test("a second pause changes nothing, and the record of operations says so", async () => {
    await using at = await scene(database);
    const run = await at.node.start("echo", { wait: "go" }, { runId: "r-1" });
    await reached(run, "suspended");
    for (const name of ["ana", "ben"]) {
      await at.node.asOperator({ name }).run("r-1").pause({ reason: `for ${name}` });
    }
    assert.equal((await run.status()).pause?.reason, "for ana");
    const { operations } = await at.node.operations.list();
    assert.deepEqual(operations.map(({ as, outcome }) => [as, outcome]), [
      ["ben", "unchanged"],
      ["ana", "done"],
    ]);
  });

  test("gets no further attempt of an activity", async () => {
    const work = held();
    await using at = await scene(database, FILES, {
      linger: 0,
      activities: [
        defineActivity({ name: "work" }, async () => {
          work.attempts++;
          work.began.resolve();
          return work.attempts > 1 ? "second try" : await work.end.promise;
        }),
      ],
    });
    const run = await at.node.start("activity");
    await work.began.promise;
    await run.pause();
    work.end.reject(new Error("the bank is down"));
    await run.reached("paused");
    // The attempt ends apart from its run.
    while ((await run.status()).retrying.length === 0) await new Promise((go) => setTimeout(go, 5));
    assert.equal(work.attempts, 1);
    const [task] = await at.db.query<{ state: string; expires_at: unknown }>(
      "select state, expires_at from {schema}.tasks",
    );
    assert.deepEqual(task, { state: "held", expires_at: null });
    await run.resume();
    assert.equal(await run.result(), "second try");
  });

  test("fires no timer, and none is lost", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("sleeper");
    await run.reached("suspended");
    await run.pause();
    await at.db.query("update {schema}.events set at = at - interval '1 hour'");
    const [row] = await at.db.query<{ wake_at: unknown }>("select wake_at from {schema}.runs");
    assert.equal(row!.wake_at, null);
    await run.resume();
    await run.reached("suspended");
    assert.equal((await run.status()).waits[0]!.kind, "sleep");
  });

  test("is cancelled with its clean-up when it is resumed, and terminated at once", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const [cancelled, terminated] = [
      await at.node.start("cleaner"),
      await at.node.start("cleaner"),
    ];
    for (const run of [cancelled, terminated]) {
      await run.reached("suspended");
      await run.pause();
    }
    await cancelled.cancel();
    assert.equal((await cancelled.status()).state, "paused");
    await cancelled.resume();
    await cancelled.reached("cancelled");
    assert.deepEqual((await cancelled.history()).map(({ name }) => name), ["", "clean"]);
    await terminated.terminate();
    assert.equal((await terminated.status()).state, "terminated");
  });

  test("stays paused when it is upgraded, retried or left by its node", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("echo", { wait: "go" });
    await run.reached("suspended");
    await run.pause();
    const [{ id, token }] = await at.db.query<{ id: number; token: number | null }>(
      "select id::integer as id, token from {schema}.runs",
    ) as [{ id: number; token: number | null }];
    assert.equal(token, null);
    // What an expiry leaves, and what a revival leaves.
    await at.db.query(
      "update {schema}.runs set state = 'suspended', wake_at = now(), waits = null where id = $1",
      [id],
    );
    await using second = await openIn(at.db, {
      workflows: [at.folder.url + "echo.ts"],
      linger: 0,
    });
    await second.run(run.id).reached("paused");
    await run.signal("go", 1);
    assert.equal((await run.status()).state, "paused");
    await run.resume();
    assert.deepEqual(await run.result(), [{ wait: "go" }, 1]);
  });

  test("starts at its time after it was resumed, if that has not come", async () => {
    await using at = await scene(database, FILES);
    const startAt = new Date(Date.now() + 86_400_000);
    const run = await at.node.start("echo", 1, { startAt });
    await run.pause();
    assert.equal((await run.status()).state, "paused");
    await run.resume();
    const { state, until } = await run.status();
    assert.deepEqual([state, until], ["pending", startAt]);
    await refused(at.node.run("none").pause(), "RUN_NOT_FOUND", "none");
    await refused(run.pause({ why: 1 } as never), "INVALID_ARGUMENT", "why");
    await refused(run.pause({ reason: 1 as never }), "INVALID_ARGUMENT", "reason of pause()");
    await refused(run.resume(), "RUN_STATE", "pending");
  });
});
