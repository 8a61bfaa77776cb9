/**
 * Runs that change while they are forked or reopened: between the replay and the write.
 *
 * @module
 */

import assert from "node:assert/strict";
import { armFailPoint } from "../../src/base/failpoint.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import { forEachDatabase, POSTGRES } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

const ORDER = source(
  `const first = await ctx.run("first", () => 1);
   return [first, await ctx.waitForSignal("go")];`,
  `{ name: "order" }`,
);

/** Fails after its first step in version 1. */
const FAILS = source(
  `const first = await ctx.run("first", () => 1);
   if (FAILS) throw new TypeError("wrong");
   return [first, await ctx.waitForSignal("go")];`,
  `{ name: "order" }`,
  "const FAILS = true;",
);
const FIXED = FAILS.replace("FAILS = true", "FAILS = false");

/** Continues as new at its signal. */
const AGAIN = source(
  `await ctx.run("step", () => input);
   await ctx.waitForSignal("go");
   return ctx.continueAsNew(input + 1);`,
  `{ name: "again" }`,
);

forEachDatabase("a run that changes while it is forked or reopened", (database, test) => {
  for (const signals of ["carry", "drop"] as const) {
    test(`receives a signal once, and its fork does if signals are to ${signals}`, async () => {
      await using at = await scene(database, { "order.ts": ORDER });
      const run = await at.node.start("order", null, { runId: "o" });
      await reached(run, "suspended");
      using _point = armFailPoint("fork.replayed", async () => {
        await run.signal("go", "late");
      });
      assert.equal((await run.fork({ at: 1, id: "f", signals })).forked, true);
      assert.deepEqual(await resultOf(run), [1, "late"]);
      const fork = at.node.run("f");
      if (signals === "drop") {
        await reached(fork, "suspended");
        await fork.signal("go", "own");
      }
      assert.deepEqual(await resultOf(fork), [1, signals === "drop" ? "own" : "late"]);
    });
  }

  test("may end meanwhile, and the fork has the part that was replayed", async () => {
    await using at = await scene(database, { "order.ts": ORDER });
    const run = await at.node.start("order", null, { runId: "o" });
    await reached(run, "suspended");
    using _point = armFailPoint("fork.replayed", async () => {
      await run.signal("go", "end");
      await resultOf(run);
    });
    assert.equal((await run.fork({ at: 1, id: "f" })).forked, true);
    const fork = at.node.run("f");
    await reached(fork, "suspended");
    await fork.signal("go", "own");
    assert.deepEqual(await resultOf(fork), [1, "own"]);
  });

  test("is not forked if it continues as new meanwhile, or is deleted", async () => {
    await using at = await scene(database, { "again.ts": AGAIN });
    const run = await at.node.start("again", 0, { runId: "o" });
    await reached(run, "suspended");
    {
      using _point = armFailPoint("fork.replayed", async () => {
        await run.signal("go");
        await eventually(
          async () => (await run.status()).generation === 1 || undefined,
          () => "second generation",
        );
      });
      await refused(run.fork({ at: 1, id: "f" }), "RUN_STATE", "call again");
    }
    using _point = armFailPoint("fork.replayed", async () => {
      await run.terminate();
      await at.node.runs.delete("o");
    });
    await refused(run.fork({ at: 0, id: "f" }), "RUN_STATE", "call again");
    await refused(at.node.run("f").status(), "RUN_NOT_FOUND");
  });

  test("receives signals again as soon as it is open again, and none before", async () => {
    await using at = await scene(database, { "1.ts": FAILS, "2.ts": FIXED });
    const run = await at.node.start(`${at.folder.url}1.ts`, null, { runId: "o" });
    await assert.rejects(resultOf(run), /wrong/);
    using _before = armFailPoint("reopen.replayed", async () => {
      await refused(run.signal("go", "early"), "RUN_ENDED");
    });
    using _after = armFailPoint("reopen.written", async () => {
      await run.signal("go", "late");
    });
    assert.equal((await run.reopen({ to: `${at.folder.url}2.ts` })).reopened, true);
    assert.deepEqual(await resultOf(run), [1, "late"]);
  });
});

const PARENT = source(
  `try {
     return await ctx.child("order", null, { id: "child" });
   } catch (error) {
     return await ctx.waitForSignal("go");
   }`,
  `{ name: "parent" }`,
);
const FAILS_LATE = source(
  `const go = await ctx.waitForSignal("fail");
   if (FAILS) throw new TypeError("wrong");
   return go;`,
  `{ name: "order" }`,
  "const FAILS = true;",
);

/** A parent that waits for a child, and the child, which fails at its signal. */
async function family(): Promise<
  { readonly at: Scene; readonly parent: RunHandle<unknown>; readonly child: RunHandle<unknown> }
> {
  const database = POSTGRES;
  const fixed = FAILS_LATE.replace("FAILS = true", "FAILS = false");
  const files = { "1.ts": FAILS_LATE, "2.ts": fixed, "p.ts": PARENT };
  const at = await scene(database, files);
  const alone = await at.node.start(`${at.folder.url}1.ts`, null);
  await at.node.versions.activate("order", (await alone.status()).version.hash);
  await alone.terminate();
  const parent = await at.node.start("parent", null, { runId: "p" });
  const child = at.node.run("child");
  await reached(parent, "suspended");
  await reached(child, "suspended");
  return { at, parent, child };
}

Deno.test("a child that is reopened before its parent is notified answers with its new end", async () => {
  const { at, parent, child } = await family();
  await using _ = at;
  const reopened = Promise.withResolvers<boolean>();
  let isAsked = false;
  using _point = armFailPoint("end.unnotified", async () => {
    if (isAsked || (await child.status()).state !== "failed") return;
    isAsked = true;
    const to = `${at.folder.url}2.ts`;
    await child.reopen({ to }).then((report) => reopened.resolve(report.reopened), reopened.reject);
  });
  await child.signal("fail", 7);
  assert.equal(await reopened.promise, true);
  assert.equal(await resultOf(parent), 7);
});

Deno.test("a child is not reopened if its parent receives the failure meanwhile", async () => {
  const { at, parent, child } = await family();
  await using _ = at;
  const other = await at.db.database.open();
  const held = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  try {
    const holding = other.transaction(async (session) => {
      // A notification of a parent changes its row.
      await session.query(`select from "${at.db.schema}".runs where run_id = 'p' for update`);
      held.resolve();
      await free.promise;
    });
    await held.promise;
    await child.signal("fail", 7);
    await reached(child, "failed");
    using _point = armFailPoint("reopen.replayed", async () => {
      free.resolve();
      await eventually(
        async () =>
          (await parent.status()).waits.some(({ kind }) => kind === "signal") || undefined,
        () => "parent that has received the failure",
      );
    });
    await refused(child.reopen({ to: `${at.folder.url}2.ts` }), "RUN_END_REPORTED", '"p"');
    assert.equal((await child.status()).state, "failed");
    await parent.signal("go", "on");
    assert.equal(await resultOf(parent), "on");
    await holding;
  } finally {
    free.resolve();
    await other.close();
  }
});
