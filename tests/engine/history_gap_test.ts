/**
 * A history with missing events can't be replayed: its run is parked, and no node spins on
 * it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { TestNode } from "../support/node.ts";

const three = defineWorkflow({ name: "three" }, async (ctx) => {
  for (const name of ["a", "b", "c"]) await ctx.run(name, () => name);
  return await ctx.waitForSignal("go");
});

forEachDatabase("a history with a gap", (database, test) => {
  for (
    const [where, seq] of [["at its begin", 0], ["in its middle", 1], ["at its end", 2]] as const
  ) {
    test(`${where} parks its run, which keeps what it has`, async () => {
      await using db = await database.fresh();
      await using node = await TestNode.open(db, [three]);
      const id = await node.start("three");
      await node.left(id, "suspended");
      await db.query(`delete from {schema}.events where seq = ${seq}`);
      await node.signal(id, "go", 1);
      await node.left(id, "stuck");
      const row = await node.store.runs.get(id);
      assert.equal(row?.state, "stuck_poisoned");
      assert.equal(row.stuckReason?.code, "HISTORY_INCOMPLETE");
      assert.match(row.stuckReason.message, new RegExp(`event ${seq} of its history is missing`));
    });
  }
});
