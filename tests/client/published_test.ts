/**
 * Published values: callers of this process and of others wait for them, and other runs do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, openIn, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** Publishes what it is sent; `again` begins a new generation, `end` ends it. */
const SHOP = source(
  `ctx.on("publish", ([name, value]) => ctx.publish(name, value));
const how = await ctx.waitForSignal("end");
if (how === "again") return ctx.continueAsNew(input);
if (how === "fail") throw new RangeError("Closed");
return "sold out";`,
  `{ name: "shop" }`,
);
/** Waits for a value and the end of another run; `extra` is what a new version adds. */
const WATCHER = (extra: string) =>
  source(
    `const other = ctx.handle(input);
const code = (error) => error.code;
const price = await other.published("price").catch(code);
${extra}
return [price, await other.result().catch(code)];`,
    `{ name: "watcher" }`,
  );
const FILES = {
  "shop.ts": SHOP,
  "watcher.ts": WATCHER(""),
  "newer.ts": WATCHER(`await ctx.run("note", () => 1);`),
};

forEachDatabase("published values", (database, test) => {
  test("callers of each process wait for a value, and read it after the run's end", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const run = await at.node.start("shop", null, { runId: "s" });
    const far = client.run("s");
    const waiting = [run.published("price"), far.published("price")];
    await refused(
      far.published("colour", { timeout: 1 }),
      "TIMEOUT",
      'Run "s" has not published value "colour" within 1 ms',
    );
    await run.ask("publish", ["price", 1n]);
    assert.deepEqual(await Promise.all(waiting), [1n, 1n]);
    await run.ask("publish", ["price", [2]]);
    await run.ask("publish", ["colour", undefined]);
    assert.deepEqual(await far.published("price"), [2], "the latest");
    assert.deepEqual(await far.values(), { colour: undefined, price: [2] });
    await run.signal("end", "again");
    await run.ask("publish", ["size", 3]);
    assert.deepEqual(await run.values(), { colour: undefined, price: [2], size: 3 });
    await at.node.runs.prune({ olderThan: 0, generations: true });
    assert.deepEqual(await run.published("price"), [2], "the latest outlives its generation");
    const never = run.published("never");
    never.catch(() => {});
    await run.signal("end");
    await refused(never, "NOT_PUBLISHED", 'run "s"', "completed");
    assert.equal(await far.published("size"), 3);
    await refused(client.run("none").published("size"), "RUN_NOT_FOUND");
    await refused(client.run("none").values(), "RUN_NOT_FOUND");
    await refused(run.published(""), "INVALID_ARGUMENT", "a value");
    await at.node.runs.delete("s");
    await refused(run.published("size"), "RUN_NOT_FOUND");
  });

  test("a run waits for another, and is upgraded and forked while it does", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    const shop = await node.start("shop", null, { runId: "s" });
    const watcher = await node.start(at.folder.url + "watcher.ts", "s", { runId: "w" });
    await watcher.reached("suspended");
    assert.equal((await watcher.status()).reason, 'waits for run "s": published "price"');
    await watcher.upgrade({ to: at.folder.url + "newer.ts" });
    await shop.ask("publish", ["price", 7]);
    const ends = 'waits for run "s": its end';
    await eventually(async () => (await watcher.status()).reason === ends || undefined, () => ends);
    await watcher.fork({ at: 1, id: "f" });
    const forked = node.run("f");
    await shop.signal("end");
    assert.deepEqual(await resultOf(watcher), [7, "sold out"]);
    assert.deepEqual(await resultOf(forked), [7, "sold out"]);
    assert.deepEqual((await watcher.history()).map(({ kind, name }) => `${kind} ${name}`.trim()), [
      "version.changed",
      "call.completed published price",
      "step.completed note",
      "call.completed result",
    ]);
    const rows = await at.db.query("select 1 from {schema}.awaits");
    assert.deepEqual(rows, [], "nothing is left of the waits");
  });

  test("a run that another waits for fails, is terminated by an act, or is not there", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const { node } = at;
    const wait = async (id: string) => {
      const run = await node.start(at.folder.url + "watcher.ts", id, { runId: `w-${id}` });
      await run.reached("suspended");
      return run;
    };
    const [failing, ending] = [
      await node.start("shop", null, { runId: "failing" }),
      await node.start("shop", null, { runId: "ending" }),
    ];
    const [first, second] = [await wait("failing"), await wait("ending")];
    await failing.signal("end", "fail");
    assert.deepEqual(await resultOf(first), ["NOT_PUBLISHED", "RUN_FAILED"]);
    await Array.fromAsync(node.runs.terminate({ where: { id: "ending" } }));
    assert.deepEqual(await resultOf(second), ["NOT_PUBLISHED", "RUN_TERMINATED"]);
    await resultOf(ending).catch(() => {});
    await node.runs.delete("ending");
    for (const gone of ["ending", "none"]) {
      const run = await node.start(at.folder.url + "watcher.ts", gone);
      assert.deepEqual(await resultOf(run), ["RUN_NOT_FOUND", "RUN_NOT_FOUND"]);
    }
    await using other = await openIn(at.db, {
      namespace: "other",
      workflows: [at.folder.url + "shop.ts", at.folder.url + "watcher.ts"],
    });
    await other.start("shop", null, { runId: "theirs" });
    const mine = await node.start(at.folder.url + "watcher.ts", "theirs");
    assert.deepEqual(await resultOf(mine), ["RUN_NOT_FOUND", "RUN_NOT_FOUND"]);
  });

  test("a value is published once, and another one there is drift", async () => {
    await using at = await scene(database, FILES, { linger: 0 });
    const run = await at.node.start("shop", null, { runId: "s" });
    await run.ask("publish", ["price", 1]);
    await run.ask("publish", ["price", 1]);
    const kinds = (await run.history()).flatMap(({ kind, name }) =>
      kind === "value.published" ? name : []
    );
    assert.deepEqual(kinds, ["price", "price"]);
    await refused(run.ask("publish", ["", 1]), "ASK_FAILED", "a value");
    await refused(run.ask("publish", ["price", () => 1]), "NOT_SERIALIZABLE");
  });
});
