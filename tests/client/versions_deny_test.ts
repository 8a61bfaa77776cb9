/**
 * What a denial of a version or a module promises.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openStore } from "../../src/store/open.ts";
import type { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, scene, source } from "../support/scene.ts";

const SHARED = `export const rate = 0.19;\n`;
const BEFORE = `import { rate } from "./rate.ts";`;
const WAITS = `await ctx.waitForSignal("go"); return rate;`;

/** Starts a child by name after a signal. */
const PARENT = source(
  `await ctx.waitForSignal("begin"); return await ctx.child("order", null, { id: "kid" });`,
  `{ name: "parent" }`,
);

const FILES = {
  "order.ts": source(WAITS, `{ name: "order" }`, BEFORE),
  "pay.ts": source(WAITS, `{ name: "pay" }`, BEFORE),
  "echo.ts": source(
    `return input.wait ? await ctx.waitForSignal("go") : input;`,
    `{ name: "echo" }`,
  ),
  "parent.ts": PARENT,
  "rate.ts": SHARED,
};

const WORKFLOWS = ["order.ts", "pay.ts", "echo.ts", "parent.ts"];

async function hashOf(node: Continuum, workflow: string): Promise<string> {
  const { versions: [version] } = await node.versions.list({ workflow, current: true });
  return version!.hash;
}

/** The SHA-256 of the module that both workflows import. */
async function sharedOf(node: Continuum): Promise<string> {
  const { members } = await node.versions.source(await hashOf(node, "order"));
  return members.find(({ label }) => label.endsWith("rate.ts"))!.sha256;
}

async function stuckOf(run: { status(): Promise<{ stuck: unknown }> }): Promise<string> {
  return JSON.stringify((await run.status()).stuck);
}

forEachDatabase("denials", (database, test) => {
  const orders = async (linger: number): Promise<Scene> => {
    const stack = new AsyncDisposableStack();
    const db = stack.use(await database.fresh());
    const folder = stack.use(await makeFolder(FILES));
    const workflows = WORKFLOWS.map((file) => folder.url + file);
    const node = stack.use(await openIn(db, { workflows, linger }));
    return { db, folder, node, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  };

  test("a denied version parks its runs with the reason, refuses starts, and continues when it is allowed", async () => {
    await using at = await orders(0);
    const { node } = at;
    const hash = await hashOf(node, "order");
    const run = await node.start("order", null, { runId: "waits" });
    await reached(run, "suspended");
    const later = await node.start("order", null, {
      runId: "later",
      startAt: new Date(Date.now() + 3_600_000),
    });
    const plan = await node.versions.deny(hash, { reason: "incident 42", dryRun: true });
    assert.deepEqual([plan.parked, plan.withoutCurrent], [0, ["order"]]);
    assert.equal((await run.status()).state, "suspended", "a dry run denies nothing");
    const report = await node.versions.deny(hash, { reason: "incident 42", by: "ops" });
    assert.deepEqual(report, {
      sha256: hash,
      versions: [{ hash, workflow: "order", label: null, current: true }],
      withoutCurrent: ["order"],
      parked: 2,
    });
    assert.equal((await run.status()).state, "stuck_unknown_version");
    assert.match(await stuckOf(run), /"DENIED".*incident 42/);
    await refused(node.start("order", null), "VERSION_DENIED", "incident 42", hash.slice(0, 12));
    await refused(node.startMany("order", [{ input: 1 }]), "VERSION_DENIED");
    await refused(node.start("order", null, { version: hash }), "VERSION_DENIED");
    await refused(node.versions.activate("order", hash), "VERSION_DENIED", "activate");
    await resultOf(await node.start("echo", 1));
    const { versions: [shown] } = await node.versions.list({ state: "denied" });
    assert.deepEqual([shown?.hash, shown?.current, shown?.denied?.by], [hash, true, "ops"]);
    await run.signal("go");
    assert.equal((await run.status()).state, "stuck_unknown_version", "a signal revives nothing");
    const allowed = await node.versions.allow(hash);
    assert.deepEqual([allowed.revived, allowed.versions.length], [2, 1]);
    assert.equal(await resultOf(run), 0.19);
    assert.equal((await later.status()).state, "pending", "its time has not come");
    await refused(node.versions.allow(hash), "VERSION_NOT_FOUND", "no denial");
    assert.equal((await node.versions.list({ state: "denied" })).versions.length, 0);
  });

  test("a digest of a module bars every version that contains it, and no other", async () => {
    await using at = await orders(0);
    const { node } = at;
    const runs = [await node.start("order", null), await node.start("pay", null)];
    const echo = await node.start("echo", { wait: "go" });
    for (const run of [...runs, echo]) await reached(run, "suspended");
    const sha256 = await sharedOf(node);
    const report = await node.versions.deny(sha256, { reason: "bad rate" });
    assert.deepEqual(report.withoutCurrent, ["order", "pay"]);
    assert.equal(report.parked, 2);
    for (const run of runs) assert.match(await stuckOf(run), new RegExp(`module.*${sha256}`));
    assert.equal((await echo.status()).state, "suspended");
    await refused(node.start("pay", null), "VERSION_DENIED", "module");
    await node.versions.deny(await hashOf(node, "pay"), { reason: "bad pay" });
    const allowed = await node.versions.allow(sha256);
    assert.deepEqual(allowed.versions.map(({ workflow }) => workflow), ["order"]);
    await runs[0]!.signal("go");
    assert.equal(await resultOf(runs[0]!), 0.19);
    assert.equal((await runs[1]!.status()).state, "stuck_unknown_version", "still denied by hash");
  });

  test("a run that a node has in memory is parked when its turn has ended", async () => {
    await using at = await orders(60_000);
    const { node } = at;
    const run = await node.start("order", null);
    await node.versions.deny(await hashOf(node, "order"), { reason: "bad" });
    await reached(run, "stuck_unknown_version");
    assert.match(await stuckOf(run), /"DENIED"/);
    await node.versions.allow(await hashOf(node, "order"));
    await run.signal("go");
    assert.equal(await resultOf(run), 0.19);
  });

  test("a node that opens while its workflow is denied does not execute its module", async () => {
    await using at = await orders(0);
    const sha256 = await sharedOf(at.node);
    await at.node.versions.deny(sha256, { reason: "bad rate" });
    await at.node.close();
    const workflows = WORKFLOWS.map((file) => at.folder.url + file);
    await refused(openIn(at.db, { workflows }), "VERSION_UNAVAILABLE", "bad rate");
    await using other = await openIn(at.db, { workflows: [`${at.folder.url}echo.ts`] });
    await other.versions.allow(sha256);
    await using again = await openIn(at.db, { workflows });
    assert.deepEqual(again.readiness().ready, true);
  });

  test("a node that was not notified of a denial, or of its end, revives and parks by what the database says", async () => {
    await using at = await orders(0);
    const { node, db: { database, schema } } = at;
    const [hash, other] = [await hashOf(node, "order"), await hashOf(node, "pay")];
    const [run, pay] = [await node.start("order", null), await node.start("pay", null)];
    for (const waits of [run, pay]) await reached(waits, "suspended");
    await using store = await openStore({ database, schema }); // its acts are announced to no one
    const why = { code: "DENIED", message: "incident 42" };
    await store.denials.deny(other, "incident 42", null);
    await store.denials.park(other, why, 10);
    assert.equal(await store.versions.revive(other), 0, "its runs are revived by no one");
    await node.versions.deny(hash, { reason: "incident 43" });
    await reached(run, "stuck_unknown_version");
    await store.denials.allow(hash);
    assert.equal(await store.versions.revive(hash), 1);
    await run.signal("go");
    assert.equal(await resultOf(run), 0.19, "the node reads the denials before it parks the run");
    await reached(pay, "stuck_unknown_version");
  });

  test("children and schedules create runs of a denied version, which park and continue", async () => {
    await using at = await orders(0);
    const { node } = at;
    const hash = await hashOf(node, "order");
    const parent = await node.start("parent", null, { runId: "p" });
    await reached(parent, "suspended");
    await node.schedules.create({ id: "s", workflow: "order", every: "365d" });
    await node.versions.deny(hash, { reason: "incident 42" });
    await parent.signal("begin");
    const fired = await node.schedules.trigger("s");
    await eventually(
      async () => (await node.runs.count({ where: { id: "kid" } })) || undefined,
      () => "child",
    );
    for (const run of [node.run("kid"), node.run(fired.id)]) {
      assert.match(JSON.stringify((await reached(run, "stuck_unknown_version")).stuck), /DENIED/);
    }
    assert.equal((await parent.status()).endedAt, null, "the parent waits for its child");
    assert.equal((await node.schedules.get("s")).state, "active");
    await node.versions.allow(hash);
    for (const id of ["kid", fired.id]) {
      await node.run(id).signal("go");
      assert.equal(await resultOf(node.run(id)), 0.19);
    }
    assert.equal(await resultOf(parent), 0.19);
  });

  test("whatever is wrong with a denial is named, and nothing is denied", async () => {
    await using at = await scene(database);
    const digest = "0".repeat(64);
    const calls: readonly (readonly [string, unknown, ...string[]])[] = [
      ["abc", { reason: "x" }, "64 lower-case"],
      [digest.toUpperCase().replace("0", "A"), { reason: "x" }, "64 lower-case"],
      [digest, {}, "option reason"],
      [digest, { reason: "" }, "option reason"],
      [digest, { reason: "a\0" }, "option reason"],
      [digest, { reason: "x", by: 7 }, "option by", "found 7"],
      [digest, { reason: "x", dryRun: "no" }, "option dryRun"],
      [digest, { reason: "x", why: "y" }, '"why"'],
    ];
    for (const [sha256, options, ...words] of calls) {
      await refused(
        at.node.versions.deny(sha256, options as never),
        "INVALID_ARGUMENT",
        ...words,
      );
    }
    await refused(at.node.versions.allow("abc"), "INVALID_ARGUMENT", "64 lower-case");
    assert.deepEqual(await at.db.query("select * from {schema}.denied"), []);
  });
});
