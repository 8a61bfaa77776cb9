/**
 * `ctx.transaction` on a database that has no connection for it, or can write nothing now.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode } from "../../src/base/values.ts";
import { DatabaseUnavailableError } from "../../src/store/errors.ts";
import { defineWorkflow } from "../../src/workflow/mod.ts";
import { TestNode } from "../support/node.ts";
import type { SqlSession } from "../../src/store/sql/driver.ts";
import { virtualPglite, type Wrap } from "../support/virtual_database.ts";

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

/** What the database says while it can write nothing, and which statement of the transaction it fails. */
const STANDSTILLS: readonly (readonly [what: string, state: string, on: RegExp])[] = [
  ["its disk is full at a write of the function", "53100", /^insert into public/],
  ["its disk is full at the write of the result", "53100", /insert into "continuum".events/],
  ["it is a standby at a write of the function", "25006", /^insert into public/],
  ["its disk has errors at a write of the function", "58030", /^insert into public/],
];

for (const [what, state, on] of STANDSTILLS) {
  Deno.test(`TRANSACTION-2: where a database can write nothing, since ${what}, no attempt counts`, async () => {
    let isStill = true;
    let failed = 0;
    const failing = (session: SqlSession): SqlSession => ({
      ...session,
      script: (text) => session.script(text),
      query(text, values) {
        if (!isStill || !on.test(text.trim())) return session.query(text, values);
        failed++;
        return Promise.reject(Object.assign(new Error("as told"), { code: state }));
      },
    });
    const wrap: Wrap = (driver) => ({
      ...driver,
      query: driver.query.bind(driver),
      script: driver.script.bind(driver),
      close: driver.close.bind(driver),
      transaction: (work, options) =>
        driver.transaction(
          (session) => work(options?.isUsers === true ? failing(session) : session),
          options,
        ),
    });
    await using db = await virtualPglite(wrap);
    await db.query("create table public.booked (place text)");
    const booking = defineWorkflow(
      { name: "booking" },
      (ctx, isTold: boolean) =>
        ctx.transaction("book", async (tx) => {
          const written = tx.query("insert into public.booked values ('1a')");
          // Some say themselves what went wrong, with the cause or without it.
          await (isTold ? written : written.catch(() => {
            throw new Error("no booking");
          }));
        }, { retry: { maxAttempts: 1 } }),
    );
    await using node = await TestNode.open(db, [booking], db.node);
    for (const isTold of [true, false]) await node.start("booking", isTold, `told ${isTold}`);
    await db.time.moveTo(db.clock.monotonic() + MINUTE);
    assert.ok(failed > 10, `it was tried ${failed} times`);
    isStill = false;
    await db.time.moveTo(db.clock.monotonic() + MINUTE);
    for (const isTold of [true, false]) {
      const history = await node.store.runs.history(`told ${isTold}`, 0, 9);
      assert.deepEqual(history.map(({ kind }) => kind), ["transaction.completed"]);
    }
    assert.equal((await db.query("select from public.booked")).length, 2);
  });
}

Deno.test("TRANSACTION-2: a function's own fault counts as an attempt, whatever it throws", async () => {
  await using db = await virtualPglite();
  const told = Object.assign(new Error("the disk of another database is full"), { code: "53100" });
  const booking = defineWorkflow(
    { name: "booking" },
    (ctx) =>
      ctx.transaction("book", () => Promise.reject(new Error("no", { cause: told })), {
        retry: { maxAttempts: 1 },
      }),
  );
  await using node = await TestNode.open(db, [booking], db.node);
  await node.start("booking", undefined, "b");
  await db.time.moveTo(db.clock.monotonic() + MINUTE);
  assert.equal((await node.store.runs.get("b"))?.state, "failed");
});
