/**
 * `ctx.transaction` on a database that has no connection for it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import { DatabaseUnavailableError } from "../../src/store/errors.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { TestNode } from "../support/node.ts";
import { virtualPglite } from "../support/virtual_database.ts";

const MINUTE = 60_000;

Deno.test("TRANSACTION-2: a transaction that can't begin, however often, costs none of its attempts", async () => {
  let isFull = true;
  let refused = 0;
  await using db = await virtualPglite((driver) => ({
    ...driver,
    query: driver.query.bind(driver),
    script: driver.script.bind(driver),
    close: driver.close.bind(driver),
    transaction(work, options) {
      if (!isFull || options?.isUsers !== true) return driver.transaction(work, options);
      refused++;
      const cause = Object.assign(new Error("too many connections"), { code: "53300" });
      return Promise.reject(new DatabaseUnavailableError("this one", cause, false));
    },
  }));
  let calls = 0;
  const booking = defineWorkflow(
    { name: "booking" },
    (ctx) =>
      ctx.transaction("book", async (tx) => {
        calls++;
        const [row] = await tx.query<{ one: number }>("select 1 as one");
        return row!.one;
      }, { retry: { maxAttempts: 1 } }),
  );
  await using node = await TestNode.open(db, [booking], db.node);
  await node.start("booking", undefined, "b");
  await db.time.moveTo(db.clock.monotonic() + MINUTE);
  assert.ok(refused > 10, `it was tried ${refused} times`);
  assert.equal((await node.store.runs.get("b"))?.endedAt ?? null, null);
  isFull = false;
  await db.time.moveTo(db.clock.monotonic() + MINUTE);
  const run = await node.store.runs.get("b");
  assert.deepEqual([run?.state, run?.result && decode(run.result)], ["completed", 1]);
  assert.equal(calls, 1);
  const history = await node.store.runs.history("b", 0, 9);
  assert.deepEqual(history.map(({ kind }) => kind), ["transaction.completed"]);
});
