/**
 * What instances say of themselves, and how they are kept apart.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { openIn, resultOf } from "../support/runs.ts";
import { forEachDatabase } from "../support/database.ts";
import { refused, scene } from "../support/scene.ts";

forEachDatabase("instances", (database, test) => {
  test("a node is ready until it drains, a client never is", async () => {
    await using at = await scene(database);
    const { db, node } = at;
    await using client = await Continuum.connect({
      database: db.database,
      schema: db.schema,
    });
    const isFine = { residentRuns: 0, reason: null };
    assert.deepEqual(client.readiness(), { ready: false, state: "client", ...isFine });
    assert.deepEqual(node.readiness(), { ready: true, state: "ready", ...isFine });
    const drained = node.drain();
    assert.equal(node.readiness().ready, false, "before anything is awaited");
    assert.deepEqual(await drained, { released: 0, forced: 0 });
    assert.deepEqual(node.readiness(), {
      ready: false,
      state: "draining",
      residentRuns: 0,
      reason: "it is draining",
    });
    await node.close();
    assert.equal(node.readiness().state, "closed");
  });

  test("what is started at a drained node is executed by another", async () => {
    await using at = await scene(database);
    await at.node.drain();
    const run = await at.node.start("echo", "later");
    assert.equal((await run.status()).state, "pending");
    await using _other = await openIn(at.db, { workflows: [at.folder.url + "echo.ts"] });
    assert.equal(await resultOf(run), "later");
  });

  test("instances with different schemas see nothing of each other", async () => {
    await using one = await scene(database);
    await using two = await scene(database);
    const options = { runId: "same", idempotencyKey: "same" };
    const [first, second] = await Promise.all([
      one.node.start("echo", 1, options),
      two.node.start("echo", 2, options),
    ]);
    assert.deepEqual([await resultOf(first), await resultOf(second)], [1, 2]);
    await one.node.start("echo", 3, { runId: "mine" });
    await refused(two.node.run("mine").status(), "RUN_NOT_FOUND", '"mine"');
    assert.deepEqual([await one.node.runs.count(), await two.node.runs.count()], [2, 1]);
    const nodes = await Promise.all([one, two].map(({ node }) => node.health()));
    assert.deepEqual(nodes.map((health) => health.nodes.length), [1, 1]);
  });
});
