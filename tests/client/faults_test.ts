/**
 * What callers get of a database that fails for a while.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { Continuum } from "../../src/continuum.ts";
import { openIn, resultOf } from "../support/runs.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { Faults } from "../support/faults.ts";
import { makeFolder } from "../support/modules.ts";
import { refused, source } from "../support/scene.ts";

/** What databases say that passes: full, locked, cancelled, shutting down, read-only, unheard of. */
const PASSING = ["53100", "55P03", "57014", "57P05", "40001", "55000", "25006", "XX000", "P0001"];

const ECHO = source("return input;", `{ name: "echo" }`);

async function scene(db: EmptyDatabase) {
  const folder = await makeFolder({ "echo.ts": ECHO });
  const faults = new Faults(db.database);
  const workflows = [folder.url + "echo.ts"];
  const { schema } = db;
  const connect = () => Continuum.connect({ database: faults.adapter, schema, workflows });
  return {
    faults,
    folder,
    workflows,
    connect,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

forEachDatabase("faults that pass", (database, test) => {
  test("an open() that the database interrupts anywhere leaves no node and asks nothing more", async () => {
    await using db = await database.fresh();
    await using at = await scene(db);
    const { schema } = db;
    const open = () =>
      Continuum.open({ database: at.faults.adapter, schema, workflows: at.workflows });
    await (await open()).close();
    for (
      const on of [/insert into [^ ]*nodes/, /with expired as materialized/, /min\(next\.at\)/]
    ) {
      at.faults.arm({ on, code: "57P01", times: 1 });
      const seen = at.faults.seen;
      await refused(open(), "DATABASE_UNAVAILABLE");
      assert.equal(at.faults.seen, seen + 1, String(on));
      assert.deepEqual(await db.query("select id from {schema}.nodes"), [], String(on));
    }
    await (await open()).close();
  });

  test("every call answers with one retryable error, and works when it is over", async () => {
    await using db = await database.fresh();
    await using at = await scene(db);
    await using client = await at.connect();
    const run = await client.start("echo", 1, { runId: "known" });
    const calls: Record<string, (n: number) => Promise<unknown>> = {
      start: (n) => client.start("echo", 1, { runId: `start ${n}` }),
      keyed: (n) => client.start("echo", 1, { idempotencyKey: `key ${n}` }),
      startMany: (n) => client.startMany("echo", [{ input: 1, runId: `many ${n}` }]),
      signal: () => run.signal("s", 1),
      cancel: () => client.run("known").cancel(),
      status: () => run.status(),
      history: () => run.history(),
      attributes: () => run.attributes.set({ a: 1 }),
      query: () => client.runs.query(),
      count: () => client.runs.count(),
      prune: () => client.runs.prune({ before: new Date(0) }),
      health: () => client.health(),
      versions: () => client.versions.list(),
      schedule: (n) => client.schedules.create({ id: `s${n}`, workflow: "echo", every: "1h" }),
      schedules: () => client.schedules.list(),
      connect: async () => await (await at.connect()).close(),
    };
    for (const [n, code] of PASSING.entries()) {
      for (const [name, call] of Object.entries(calls)) {
        at.faults.arm({ on: /./, code, times: Infinity });
        const error = await call(n).then(() => null, (error) => error);
        at.faults.disarm();
        assert(isContinuumError(error, "DATABASE_UNAVAILABLE"), `${name}, ${code}: ${error}`);
        assert.equal((error as { retryable?: boolean }).retryable, true);
        await call(n);
      }
    }
  });

  test("a result is waited for through whatever passes", async () => {
    await using db = await database.fresh();
    await using at = await scene(db);
    await using client = await at.connect();
    const run = await client.start("echo", 7);
    at.faults.arm({ on: /./, code: "57014", times: 4 });
    const result = resultOf(run);
    await using _node = await openIn(db, { workflows: at.workflows });
    assert.equal(await result, 7);
  });

  for (const isDone of [false, true]) {
    const what = isDone ? "whose answer is lost" : "that fails once";
    test(`a start ${what} is one start, and known as its own`, async () => {
      await using db = await database.fresh();
      await using at = await scene(db);
      await using client = await at.connect();
      const many = () =>
        client.startMany("echo", [1, 2, 3].map((n) => ({ input: n, runId: `m${n}` })));
      const signal = { name: "s", payload: 1 };
      const starts: (() => Promise<unknown>)[] = [
        () => client.start("echo", 1),
        () => client.start("echo", 1, { runId: "r" }),
        () => client.start("echo", 1, { idempotencyKey: "k" }),
        () => client.start("echo", 1, { idempotencyKey: "k2", runId: "r2", signal }),
        async () =>
          assert.deepEqual((await many()).map(({ status }) => status), Array(3).fill("started")),
      ];
      for (const code of ["57P01", "08006", "40003"]) {
        await db.query("delete from {schema}.idempotency_keys");
        await db.query("delete from {schema}.runs");
        for (const start of starts) {
          at.faults.arm({ on: /insert into .*runs \(/s, code, isDone });
          await start();
        }
        assert.equal(await client.runs.count(), 7);
        await refused(client.start("echo", 1, { runId: "r" }), "RUN_EXISTS");
      }
    });
  }

  test("a run that its node starts, the answer being lost, is executed by it", async () => {
    await using db = await database.fresh();
    await using at = await scene(db);
    await using node = await Continuum.open({
      database: at.faults.adapter,
      schema: db.schema,
      workflows: at.workflows,
    });
    at.faults.arm({ on: /insert into .*runs \(/s, code: "57P01", isDone: true });
    assert.equal(await resultOf(await node.start("echo", 5, { runId: "r" })), 5);
    assert.equal(at.faults.seen, 1);
  });

  test("a message that can be recognised is sent again, otherwise its caller gets an error", async () => {
    await using db = await database.fresh();
    await using at = await scene(db);
    await using client = await at.connect();
    const run = await client.start("echo", 1, { runId: "r", delay: "1h" });
    const lost = { on: /insert into .*inbox/s, code: "57P01", isDone: true };
    at.faults.arm(lost);
    assert.equal(await run.signal("s", 1, { deliveryId: "d" }), "duplicate");
    at.faults.arm(lost);
    const error = await run.signal("s", 2).then(() => null, (error) => error);
    assert(isContinuumError(error, "DATABASE_UNAVAILABLE"));
    assert.equal(error.details.mayBeWritten, true);
    const [row] = await db.query<{ n: number }>(
      "select count(*)::integer as n from {schema}.inbox",
    );
    assert.equal(row?.n, 2);
  });
});
