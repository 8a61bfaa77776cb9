/**
 * Activities that are imported by real workflow modules, between real nodes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../mod.ts";
import { forEachDatabase } from "../support/database.ts";
import workflow from "./fixtures/doubling.ts";

const WORKFLOWS = [import.meta.resolve("./fixtures/doubling.ts")];

forEachDatabase("imported activities", (database, test) => {
  test("another node finds an imported activity in the run's own version", async () => {
    await using db = await database.fresh();
    const common = { database: db.database, schema: db.schema };
    await using asks = await Continuum.open({
      ...common,
      workflows: WORKFLOWS,
      linger: 0,
      queues: { default: { concurrency: 0 } },
    });
    const run = await asks.start(workflow, 21);
    await using executes = await Continuum.open({ ...common, workflows: WORKFLOWS });
    assert.equal(await run.result(), 42);
    assert.equal(executes.readiness().ready, true);
  });

  test("queues of a node: what they take, and what they refuse", async () => {
    await using db = await database.fresh();
    const common = { database: db.database, schema: db.schema };
    const wrong: [unknown, RegExp][] = [
      [{ queues: { mail: { concurrency: -1 } } }, /queues\.mail\.concurrency: found -1/],
      [{ queues: { mail: { limit: 1 } } }, /queues\.mail: found the key "limit"/],
      [{ queues: { "": {} } }, /name|1 to 255/],
      [{ queues: { mail: { rateLimit: { limit: 0, per: 1 } } } }, /rateLimit\.limit: found 0/],
      [{ queues: { mail: { rateLimit: { limit: 1, per: 0 } } } }, /rateLimit\.per: found 0/],
      [{ activityConcurrency: 0 }, /activityConcurrency: found 0/],
    ];
    for (const [options, message] of wrong) {
      await assert.rejects(Continuum.open({ ...common, ...options as object }), {
        code: "INVALID_ARGUMENT",
        message,
      });
    }
  });
});
