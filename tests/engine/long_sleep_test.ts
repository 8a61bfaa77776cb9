/**
 * Sleeps that outlive every process, in virtual time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import { defineWorkflow } from "../../src/workflow/workflow.ts";
import { TestNode } from "../support/node.ts";
import { virtualPglite, virtualPostgres } from "../support/virtual_database.ts";

for (const [name, open] of [["PGlite", virtualPglite], ["Postgres", virtualPostgres]] as const) {
  Deno.test(`a sleep of a billion milliseconds survives restarts, and ends on time, on ${name}`, async () => {
    await using db = await open();
    const sleeps = defineWorkflow({ name: "sleeps" }, async (ctx) => {
      const begun = ctx.now().getTime();
      await ctx.sleep(1_000_000_000);
      return ctx.now().getTime() - begun;
    });
    const live = async (ms: number, work: (node: TestNode) => Promise<void> = async () => {}) => {
      const node = await TestNode.open(db, [sleeps], db.node);
      await work(node);
      await db.time.moveTo(db.clock.monotonic() + ms);
      await node.engine.close(0);
      return node;
    };
    await live(1, async (node) => void await node.start("sleeps", undefined, "s"));
    await live(400_000_000);
    await live(0);
    const almost = await live(599_999_998);
    assert.equal((await almost.store.runs.get("s"))?.state, "suspended");
    const last = await live(1);
    const row = await last.store.runs.get("s");
    assert.equal(row?.state, "completed");
    assert.equal(decode(row.result!), 1_000_000_000);
  });
}
