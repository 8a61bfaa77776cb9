/**
 * What the end of a run by a caller sets off, without waiting for a heartbeat.
 *
 * @module
 */

import assert from "node:assert/strict";
import { forEachDatabase } from "../support/database.ts";
import { scene, source } from "../support/scene.ts";

const PARENT = source(
  `const asked = { id: input.child, parentClose: "terminate" };
   try { return await ctx.child("echo", { wait: "go" }, asked); }
   catch (error) { return error.name; }`,
  `{ name: "parent" }`,
);

forEachDatabase("a run that is terminated", (database, test) => {
  test("notifies its parent at once", async () => {
    await using stage = await scene(database, { "parent.ts": PARENT }, { lease: "1h", linger: 0 });
    const { node } = stage;
    const parent = await node.start("parent", { child: "c" });
    await parent.reached("suspended");
    await node.run("c").reached("suspended");
    await node.run("c").terminate();
    assert.equal(typeof await parent.result(), "string");
  });

  test("takes its children along at once", async () => {
    await using stage = await scene(database, { "parent.ts": PARENT }, { lease: "1h", linger: 0 });
    const { node } = stage;
    const parent = await node.start("parent", { child: "c" });
    await parent.reached("suspended");
    await node.run("c").reached("suspended");
    await parent.terminate();
    assert.equal((await node.run("c").status()).state, "terminated");
  });
});
