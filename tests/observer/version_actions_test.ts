/**
 * What can be done with a version on its page: make it current, deny it, allow it again.
 *
 * @module
 */

import assert from "node:assert/strict";
import { POSTGRES } from "../support/database.ts";
import { openIn, reached } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { observe } from "./observed.ts";
import { carriedOut, linksOf, rowsOf } from "./pages.ts";

const ORDER = source(
  `return await ctx.waitForSignal("go", { timeout: limit });`,
  `{ name: "order" }`,
  `import { limit } from "./limit.ts";`,
);

Deno.test("a version is made current, denied and allowed again, by plans that say what follows", async () => {
  await using set = await scene(POSTGRES);
  await set.node.close();
  await set.folder.write({
    "old/order.ts": ORDER,
    "old/limit.ts": `export const limit = "1d";`,
    "order.ts": ORDER,
    "limit.ts": `export const limit = "2d";`,
  });
  const workflows = ["old/order.ts", "order.ts"].map((path) => set.folder.url + path);
  await using node = await openIn(set.db, { workflows });
  const { versions } = await node.versions.list({ workflow: "order" });
  const current = versions.find((version) => version.current)!.hash;
  const other = versions.find(({ hash }) => hash !== current)!.hash;
  const observed = observe(node);
  await reached(await node.start("order", null, { runId: "o-1" }), "suspended");

  assert.deepEqual(linksOf(await observed.page(`/versions/${current}`), "Make current"), []);
  const offered = linksOf(await observed.page(`/versions/${other}`), "Make current");
  assert.deepEqual(offered, [`../versions/${other}/activate`]);
  const already = await observed.page(`/versions/${current}/activate`);
  assert.match(already, /is the current version of order already/);
  const made = await carriedOut(observed, `/versions/${other}/activate`, { reason: "roll back" });
  assert.equal(made.status, 303, await made.text());
  await reached(await node.start("order", null, { runId: "o-2" }), "suspended");
  assert.equal((await node.run("o-2").status()).version.hash, other);
  assert.equal((await node.run("o-1").status()).version.hash, current, "runs stay");

  const plan = await observed.page(`/versions/${other}/deny`);
  assert.deepEqual(rowsOf(plan, "Versions that would be denied"), [
    [other.slice(0, 12), "order", "", "1"],
  ]);
  assert.match(plan, /No run of order can be started by its name then, until/);
  const hasty = await carriedOut(observed, `/versions/${other}/deny`);
  assert.equal(hasty.status, 400, "a reason is needed");
  const denied = await carriedOut(observed, `/versions/${other}/deny`, { reason: "incident 42" });
  assert.equal(denied.status, 303, await denied.text());
  await reached(node.run("o-2"), "stuck_unknown_version");
  const page = await observed.page(`/versions/${other}`);
  assert.match(page, /incident 42/);
  assert.deepEqual(linksOf(page, "Make current"), []);
  assert.match(
    await observed.page(`/versions/${other}/activate`),
    /No node executes it: it is denied/,
  );
  const allowed = await carriedOut(observed, `/versions/${other}/allow`);
  assert.equal(allowed.status, 303, await allowed.text());
  await reached(node.run("o-2"), "suspended");

  const module = await observed.page(`/versions/${other}/deny?member=./limit.ts`);
  assert.match(module, /Deny the module limit\.ts/);
  const gone = await carriedOut(observed, `/versions/${other}/deny?member=./limit.ts`, {
    reason: "wrong limit",
  });
  assert.equal(gone.status, 303, await gone.text());
  await reached(node.run("o-2"), "stuck_unknown_version");
  assert.match(await observed.page(`/versions/${other}`), /wrong limit/);
  assert.equal((await carriedOut(observed, `/versions/${other}/allow`)).status, 303);
  await reached(node.run("o-2"), "suspended");

  const acts = await observed.json("/audit?action=version");
  assert.deepEqual(
    acts.operations.map(({ action, as, reason }: Record<string, string>) => [action, as, reason])
      .reverse(),
    [
      ["version.activate", "ana", "roll back"],
      ["version.deny", "ana", "incident 42"],
      ["version.allow", "ana", null],
      ["version.deny", "ana", "wrong limit"],
      ["version.allow", "ana", null],
    ],
  );
});
