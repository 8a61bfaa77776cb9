/**
 * What `versions.patches` says of the calls of `patched`, and of the runs that need each.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import type { PatchUse } from "../../src/client/versions/patches.ts";
import { forEachDatabase } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { eventually, openIn, reached, resultOf } from "../support/runs.ts";
import { refused, type Scene, source } from "../support/scene.ts";

const order = (label: string, rate: string) =>
  source(
    `await ctx.run("first", () => 0);
await ctx.waitForSignal("go");
const rate = ${rate};
await ctx.run("second", () => 0);
await ctx.waitForSignal("end");
return rate;`,
    `{ name: "order", version: "${label}" }`,
    `import { other } from "./other.ts";`,
  );

const FILES = {
  "other.ts": `export const other = (ctx: any, name: string) => ctx.patched(name);\n`,
  "order_1.ts": order("1", "1"),
  "order_2.ts": order("2", `ctx.patched("tax") ? 2 : 1`),
  "plain.ts": source("return 1;", `{ name: "plain" }`),
};

forEachDatabase("versions.patches", (database, test) => {
  const orders = async (): Promise<Scene> => {
    const stack = new AsyncDisposableStack();
    const db = stack.use(await database.fresh());
    const folder = stack.use(await makeFolder(FILES));
    const workflows = ["order_1.ts", "order_2.ts", "plain.ts"].map((file) => folder.url + file);
    const node = stack.use(await openIn(db, { workflows }));
    return { db, folder, node, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  };

  const hashOf = async (node: Continuum, label: string): Promise<string> => {
    const { versions } = await node.versions.list({ workflow: "order" });
    return versions.find((version) => version.label === label)!.hash;
  };

  /** Starts a run, and lets it come to its first or second wait. */
  const waits = async (node: Continuum, runId: string, version: string, signal: "go" | "end") => {
    const run = await node.start("order", null, { runId, version });
    if (signal === "end") await run.signal("go", null);
    await eventually(
      async () => (await run.status()).waits[0]?.name === signal || undefined,
      () => `run ${runId} that waits for ${signal}`,
    );
    return run;
  };

  const countsOf = ({ taken, ahead, old, elsewhere, mayGo }: PatchUse) => {
    return { taken, ahead, old, elsewhere, mayGo };
  };

  test("counts the runs that took the new branch, that may need the old one, and all others", async () => {
    await using at = await orders();
    const { node } = at;
    const [first, second] = [await hashOf(node, "1"), await hashOf(node, "2")];
    const old = await waits(node, "old", first, "end");
    const report = await old.upgrade({ to: second });
    assert.equal(report.upgraded, true);
    await reached(old, "suspended");
    await waits(node, "elsewhere", first, "end");
    const taken = await waits(node, "taken", second, "end");
    const ahead = await waits(node, "ahead", second, "go");
    const ended = await waits(node, "ended", second, "end");
    await ended.signal("end", null);
    assert.equal(await resultOf(ended), 2);

    const { patches: [tax, ...others], computed, unread, runs, more, versions } = await node
      .versions
      .patches("order");
    assert.deepEqual(others, []);
    assert.equal(tax!.name, "tax");
    assert.deepEqual(countsOf(tax!), {
      ...{ taken: 1, ahead: 1, old: 1, elsewhere: 1, mayGo: false },
    });
    assert.deepEqual([tax!.oldest?.id, tax!.newest?.id], ["old", "elsewhere"]);
    assert.deepEqual([tax!.oldest?.version, tax!.newest?.version], [second, first]);
    assert.deepEqual(
      tax!.sites.map(({ version, current, member, line, text }) => [
        ...[version, current, member, line, text],
      ]),
      [[second, true, "./order_2.ts", 6, `const rate = ctx.patched("tax") ? 2 : 1;`]],
    );
    assert.deepEqual([runs, more, unread], [4, false, []]);
    assert.deepEqual(versions.toSorted(), [first, second].toSorted());
    const isComputed = computed.map(({ member, line }) => [member, line]);
    assert.deepEqual(isComputed, [["./other.ts", 1], ["./other.ts", 1]]);

    await node.run("elsewhere").terminate();
    await old.signal("end", null);
    assert.equal(await resultOf(old), 1, "it had taken the old branch");
    const { patches: [now] } = await node.versions.patches("order");
    assert.deepEqual(countsOf(now!), {
      ...{ taken: 1, ahead: 1, old: 0, elsewhere: 0, mayGo: true },
    });
    assert.deepEqual([now!.oldest, now!.newest], [null, null]);
    for (const run of [taken, ahead]) await run.terminate();
  });

  test("a fork of a run that took the old branch needs it, too", async () => {
    await using at = await orders();
    const { node } = at;
    const old = await waits(node, "old", await hashOf(node, "1"), "end");
    await old.upgrade({ to: await hashOf(node, "2") });
    await old.fork({ at: 3, id: "fork" });
    await old.terminate();
    const { patches: [tax] } = await node.versions.patches("order");
    assert.deepEqual([tax!.old, tax!.oldest?.id, tax!.mayGo], [1, "fork", false]);
  });

  test("no old branch may go while runs or code were left out", async () => {
    await using at = await orders();
    const { node, db, folder } = at;
    const [first, second] = [await hashOf(node, "1"), await hashOf(node, "2")];
    for (const runId of ["a", "b", "c"]) await waits(node, runId, second, "end");
    const all = await node.versions.patches("order", { limit: 3 });
    assert.deepEqual([all.runs, all.more, all.patches[0]!.mayGo], [3, false, true]);
    const part = await node.versions.patches("order", { limit: 2 });
    assert.deepEqual([part.runs, part.more, part.patches[0]!.mayGo], [2, true, false]);
    await waits(node, "d", first, "end");
    await db.query("delete from {schema}.version_modules");
    await db.query("delete from {schema}.modules");
    await folder.remove("order_1.ts");
    const { unread, patches: [tax] } = await node.versions.patches("order");
    assert.deepEqual(unread.map(({ version }) => version), [first]);
    assert.deepEqual([tax!.taken, tax!.old, tax!.mayGo], [3, 1, false]);
  });

  test("a version by its hash, a workflow without patches, and what does not exist", async () => {
    await using at = await orders();
    const { node } = at;
    const { patches, computed } = await node.versions.patches(await hashOf(node, "1"));
    assert.deepEqual([patches, computed.length], [[], 2]);
    const ofSecond = await node.versions.patches(await hashOf(node, "2"));
    assert.deepEqual(ofSecond.patches.map(({ name, mayGo }) => [name, mayGo]), [["tax", true]]);
    const plain = await node.versions.patches("plain");
    assert.deepEqual([plain.patches, plain.computed, plain.runs], [[], [], 0]);
    await refused(node.versions.patches("nobody"), "VERSION_NOT_FOUND", /nobody/);
    await refused(node.versions.patches("0".repeat(64)), "VERSION_NOT_FOUND");
    await refused(node.versions.patches(""), "INVALID_ARGUMENT", /workflow or version/);
    await refused(node.versions.patches("order", { limit: 0 }), "INVALID_ARGUMENT", /option limit/);
  });
});
