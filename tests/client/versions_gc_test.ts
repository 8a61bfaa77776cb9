/**
 * What the removal of old versions promises to runs, and to processes that still use them.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, source } from "../support/scene.ts";

const order = (label: string, body: string) =>
  source(body, `{ name: "order", version: "${label}" }`, `import { rate } from "./rate.ts";`);

const FILES = {
  "rate.ts": `export const rate = 7;\n`,
  "order_1.ts": order("1", `return [1, rate, await ctx.waitForSignal("go")];`),
  "order_2.ts": order("2", `return [2, rate];`),
  "child.ts": source(`return input * 2;`, `{ name: "child" }`),
  "parent.ts": source(
    `const first = await ctx.child(child, 1, { id: "first" });
     await ctx.waitForSignal("go");
     return [first, await ctx.child(child, 2, { id: "second" })];`,
    `{ name: "parent" }`,
    `import child from "./child.ts";`,
  ),
};

const WORKFLOWS = ["order_1.ts", "order_2.ts", "parent.ts"];

/** Everything was registered and started so many days earlier. */
async function age(db: EmptyDatabase, days: number): Promise<void> {
  const older = (table: string, column: string) =>
    db.query(
      `update {schema}.${table} set ${column} = ${column} - $1::float8 * interval '1 day'
       where ${column} > '-infinity'`,
      [days],
    );
  await older("workflow_versions", "registered_at");
  await older("workflow_specifiers", "last_seen");
  await older("modules", "stored_at");
  await older("runs", "created_at");
}

forEachDatabase("versions.gc", (database, test) => {
  const orders = async (): Promise<Scene> => {
    const stack = new AsyncDisposableStack();
    const db = stack.use(await database.fresh());
    const folder = stack.use(await makeFolder(FILES));
    const workflows = WORKFLOWS.map((file) => folder.url + file);
    const node = stack.use(await openIn(db, { workflows }));
    return { db, folder, node, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  };

  const hashOf = async (node: Continuum, label: string): Promise<string> => {
    const { versions } = await node.versions.list({ workflow: "order" });
    return versions.find((version) => version.label === label)!.hash;
  };

  /** Version 1 of `order`, of which one run has ended, and its bytes are gone. */
  const collected = async ({ node, db }: Scene): Promise<string> => {
    const hash = await hashOf(node, "1");
    const run = await node.start("order", null, { runId: "ended", version: hash });
    await run.signal("go", "x");
    assert.deepEqual(await resultOf(run), [1, 7, "x"]);
    await age(db, 40);
    const { versions, done } = await node.versions.gc({ keep: 0 });
    assert.deepEqual(versions.map(({ hash, loses }) => [hash, loses]), [[hash, "bytes"]]);
    assert.equal(done, true);
    return hash;
  };

  const archivedOf = async (node: Continuum, hash: string) =>
    (await node.versions.list({ hash })).versions[0]?.archived;

  test("a version loses its bytes when its runs have ended, and its row with the last of them", async () => {
    await using at = await orders();
    const { node, db, folder } = at;
    const hash = await hashOf(node, "1");
    await db.query(`insert into {schema}.version_packages (hash, list) values ($1, '')`, [hash]);
    const run = await node.start("order", null, { runId: "r", version: hash });
    await age(db, 40);
    const early = await node.versions.gc({ keep: 0 });
    assert.deepEqual([early.versions, early.kept.needed], [[], 1]);
    await run.signal("go", null);
    await resultOf(run);
    const { versions, modules } = await node.versions.gc({ keep: 0, dryRun: true });
    assert.deepEqual(versions.map(({ loses }) => loses), ["bytes"]);
    assert.equal(modules, 1, "the other version has the other module, too");
    assert.equal(await archivedOf(node, hash), true, "a dry run removes nothing");
    assert.equal((await db.query("select from {schema}.version_packages")).length, 1);
    await node.versions.gc({ keep: 0 });
    assert.equal(await archivedOf(node, hash), false);
    assert.equal((await db.query("select from {schema}.version_packages")).length, 0);
    await folder.remove("order_1.ts");
    await refused(node.versions.source(hash), "VERSION_UNAVAILABLE", /bytes were removed at 20/);
    await refused(
      node.start("order", null, { version: hash, runId: "late" }),
      "VERSION_UNAVAILABLE",
      /bytes were removed at 20/,
    );
    assert.equal((await node.runs.query({ where: { id: "late" } })).runs.length, 0);
    await node.runs.delete("r");
    const gone = await node.versions.gc({ keep: 0 });
    assert.deepEqual(gone.versions.map(({ hash, loses }) => [hash, loses]), [[hash, "row"]]);
    assert.deepEqual((await node.versions.list({ hash })).versions, []);
  });

  test("the newest versions, and those that were used of late, stay", async () => {
    await using at = await orders();
    const { node, db } = at;
    const all = await node.versions.gc();
    assert.deepEqual([all.versions, all.kept.recent, all.kept.current], [[], 1, 2]);
    await age(db, 40);
    assert.equal((await node.versions.gc()).kept.newest, 1);
    assert.equal((await node.versions.gc({ keep: 0, olderThan: "41d" })).kept.recent, 1);
    assert.equal((await node.versions.gc({ keep: 0, dryRun: true })).versions.length, 1);
  });

  test("a live run loads its version on another node after a collection, from the archive alone", async () => {
    await using at = await orders();
    const { node, db, folder } = at;
    const hash = await hashOf(node, "1");
    await node.start("order", null, { runId: "waits", version: hash });
    await age(db, 40);
    await node.versions.gc({ keep: 0 });
    await node.close();
    await folder.remove("order_1.ts");
    await using other = await openIn(db, { workflows: [`${folder.url}order_2.ts`] });
    const run = other.run("waits");
    await run.signal("go", "y");
    assert.deepEqual(await resultOf(run), [1, 7, "y"]);
  });

  test("a start on a version whose bytes were removed brings them back, if a URL has them", async () => {
    await using at = await orders();
    const { node } = at;
    const hash = await collected(at);
    const run = await node.start("order", null, { version: hash, runId: "new" });
    assert.equal(await archivedOf(node, hash), true);
    await run.signal("go", "z");
    assert.deepEqual(await resultOf(run), [1, 7, "z"]);
    const { versions: [current] } = await node.versions.list({ workflow: "order", current: true });
    assert.equal(current?.label, "2", "it does not become current");
  });

  test("a start by definition brings back a version of which nothing was left", async () => {
    await using at = await orders();
    const { node, db, folder } = at;
    const hash = await hashOf(node, "1");
    await age(db, 40);
    const { versions } = await node.versions.gc({ keep: 0 });
    assert.deepEqual(versions.map(({ loses }) => loses), ["row"]);
    const { default: definition } = await import(`${folder.url}order_1.ts`);
    const run = await node.start(definition, null);
    await reached(run, "suspended");
    assert.equal(await archivedOf(node, hash), true);
    const { versions: [current] } = await node.versions.list({ workflow: "order", current: true });
    assert.equal(current?.label, "2", "it does not become current");
    await node.close();
    await folder.remove("order_1.ts");
    await using other = await openIn(db, { workflows: [`${folder.url}order_2.ts`] });
    await other.run(run.id).signal("go", "z");
    assert.deepEqual(await resultOf(other.run(run.id)), [1, 7, "z"], "another node may load it");
  });

  test("a parent starts a child whose version was removed while it waited", async () => {
    await using at = await orders();
    const { node, db } = at;
    const run = await node.start("parent", null, { runId: "parent" });
    await eventually(
      async () => (await run.status()).waits[0]?.name === "go" || undefined,
      () => "a parent that waits for its signal",
    );
    // As after retention has removed the child, and another version of it has been current.
    await db.query(
      "update {schema}.runs set parent = null, parent_close = null where run_id = 'first'",
    );
    await node.runs.delete("first");
    await db.query("delete from {schema}.workflows where name = 'child'");
    await age(db, 40);
    const { versions } = await node.versions.gc({ keep: 0 });
    assert(versions.some(({ workflow, loses }) => workflow === "child" && loses === "row"));
    await run.signal("go", null);
    assert.deepEqual(await resultOf(run), [2, 4]);
    assert.equal((await node.versions.list({ workflow: "child" })).versions.length, 1);
  });

  test("an ended run whose bytes were removed can be forked where a URL has them", async () => {
    await using at = await orders();
    const { node } = at;
    const hash = await collected(at);
    await node.run("ended").fork({ at: 0, id: "fork", version: hash });
    const fork = node.run("fork");
    await fork.signal("go", "f");
    assert.deepEqual(await resultOf(fork), [1, 7, "f"]);
    assert.equal(await archivedOf(node, hash), true);
  });

  test("a version without bytes becomes current only if a source has them", async () => {
    await using at = await orders();
    const { node, folder } = at;
    const hash = await collected(at);
    const file = new URL("order_1.ts", folder.url);
    const text = await Deno.readTextFile(file);
    await folder.remove("order_1.ts");
    await refused(node.versions.activate("order", hash), "VERSION_UNAVAILABLE", /were removed at/);
    await folder.write({ "order_1.ts": text });
    await node.versions.activate("order", hash);
    assert.equal(await archivedOf(node, hash), true);
  });

  test("bad options are refused, with their names", async () => {
    await using at = await orders();
    const { versions } = at.node;
    const bad: [object, RegExp][] = [
      [{ keep: -1 }, /option keep of versions\.gc\(\): found -1/],
      [{ keep: 1.5 }, /option keep/],
      [{ olderThan: "soon" }, /option olderThan of versions\.gc\(\)/],
      [{ olderThan: "1d", before: new Date() }, /olderThan and before[^]*found both/],
      [{ before: new Date(NaN) }, /option before/],
      [{ dryRun: "yes" }, /option dryRun/],
      [{ onBatch: 1 }, /option onBatch/],
      [{ signal: 1 }, /signal/],
      [{ older: 1 }, /older/],
    ];
    for (const [options, message] of bad) {
      await assert.rejects(versions.gc(options), { code: "INVALID_ARGUMENT", message });
    }
  });
});
