/**
 * What starting a run promises.
 *
 * @module
 */

import assert from "node:assert/strict";
import pg from "pg";
import postgresJs from "postgres";
import { Continuum } from "../../src/continuum.ts";
import { forEachDatabase, postgresUrl } from "../support/database.ts";
import { reached, resultOf } from "../support/runs.ts";
import { refused, scene, source } from "../support/scene.ts";

/** A workflow of another name, to hold scopes apart. */
const OTHER = source("return input;", `{ name: "other" }`);

forEachDatabase("starting runs", (database, test) => {
  test("a key starts one run: again with the same input it is that run, with another a conflict", async () => {
    await using at = await scene(database, { "other.ts": OTHER });
    const idempotencyKey = "k".repeat(255);
    const first = await at.node.start("echo", { a: 1 }, { idempotencyKey });
    const again = await at.node.start("echo", { a: 1 }, { idempotencyKey, runId: "mine" });
    assert.equal(again.id, first.id);
    assert.deepEqual(await resultOf(again), { a: 1 });
    await refused(
      at.node.start("echo", { a: 2 }, { idempotencyKey }),
      "IDEMPOTENCY_CONFLICT",
      first.id,
      "kkk",
      "another input",
    );
    const elsewhere = [
      await at.node.start("other", { a: 2 }, { idempotencyKey }),
      await at.node.start("echo", { a: 2 }, { idempotencyKey, namespace: "b" }),
    ];
    assert.equal(new Set([first, ...elsewhere].map(({ id }) => id)).size, 3);
    await resultOf(elsewhere[0]!);
    await resultOf(elsewhere[1]!);
    await at.db.query("delete from {schema}.runs where run_id = $1", [first.id]);
    const late = await at.node.start("echo", { a: 1 }, { idempotencyKey });
    assert.equal(late.id, first.id, "a key outlives its run");
    await refused(late.status(), "RUN_NOT_FOUND");
  });

  test("a start that names a version is pinned to it, whichever is current", async () => {
    await using at = await scene(database, {
      "first.ts": source(`return "first";`, `{ name: "two", version: 1 }`),
      "second.ts": source(`return "second";`, `{ name: "two", version: 2 }`),
    });
    const answers: Record<string, unknown> = {};
    for (
      const { hash: version, label } of (await at.node.versions.list({ workflow: "two" })).versions
    ) {
      const run = await at.node.start("two", undefined, { version });
      const [item] = await at.node.startMany("two", [{ input: undefined }], { version });
      assert.equal(item!.status, "started");
      assert.equal((await run.status()).version.hash, version);
      answers[label!] = await resultOf(run);
    }
    assert.deepEqual(answers, { 1: "first", 2: "second" });
    const [other] = (await at.node.versions.list({ workflow: "echo" })).versions;
    for (const version of [other!.hash, "0".repeat(64)]) {
      await refused(at.node.start("two", undefined, { version }), "VERSION_NOT_FOUND", version);
    }
    await refused(at.node.start("two", undefined, { version: "" }), "INVALID_ARGUMENT", "version");
  });

  test("of many callers at once with one key, exactly one starts a run", async () => {
    await using at = await scene(database);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const callers = Array.from({ length: 16 }, (_, index) => index % 2 === 0 ? at.node : client);
    const started = await Promise.all(
      callers.map((caller, index) =>
        caller.start("echo", "same", { idempotencyKey: "k", runId: `r${index}` })
      ),
    );
    assert.equal(new Set(started.map(({ id }) => id)).size, 1);
    assert.equal(await at.node.runs.count(), 1);
    assert.equal(await resultOf(started[0]!), "same");
  });

  test("a key that meets a taken run id is free again", async () => {
    await using at = await scene(database);
    await resultOf(await at.node.start("echo", 1, { runId: "r" }));
    await refused(
      at.node.start("echo", 2, { runId: "r", idempotencyKey: "k" }),
      "RUN_EXISTS",
      '"r"',
    );
    const run = await at.node.start("echo", 3, { idempotencyKey: "k" });
    assert.equal(await resultOf(run), 3);
  });

  test("a signal comes with the start, or goes to the run that is there, each delivery once", async () => {
    await using at = await scene(database);
    const signal = { name: "go", payload: { n: 1 }, deliveryId: "d1" };
    const options = { runId: "r", ifExists: "use", signal } as const;
    const run = await at.node.start("echo", { wait: "go" }, options);
    assert.deepEqual(await resultOf(run), [{ wait: "go" }, { n: 1 }]);
    const waits = await at.node.start("echo", { wait: "later" }, { ...options, runId: "s" });
    await reached(waits, "suspended");
    for (const deliveryId of ["d1", "d2", "d2"]) {
      await at.node.start("echo", 0, { ...options, runId: "s", signal: { ...signal, deliveryId } });
    }
    const [{ sent }] = await at.db.query<{ sent: number }>(
      `select count(*)::integer as sent from {schema}.inbox as message
       join {schema}.runs as run on run.id = message.run and run.run_id = 's'`,
    ) as [{ sent: number }];
    assert.equal(sent, 2, "one from the start, one of the redelivered id");
    await refused(
      at.node.start("echo", 0, {
        ...options,
        ifExists: "useEnded",
        signal: { name: "go", deliveryId: "d9" },
      }),
      "RUN_ENDED",
    );
  });

  test("a run starts no sooner than it is to, and a signal waits with it", async () => {
    await using at = await scene(database);
    const startAt = new Date(Date.now() + 3_600_000);
    const later = await at.node.start("echo", { wait: "go" }, { startAt });
    await later.signal("go", "early");
    const status = await later.status();
    assert.equal(status.state, "pending");
    assert.deepEqual(status.until, startAt);
    assert.equal(status.startedAt, null);
    assert.match(status.reason ?? "", new RegExp(startAt.toISOString()));
    await at.db.query(
      "update {schema}.runs set wake_at = clock_timestamp() where run_id = $1",
      [later.id],
    );
    const soon = await at.node.start("echo", "soon", { delay: 30 });
    assert.equal(await resultOf(soon), "soon");
    const { createdAt, startedAt } = await soon.status();
    assert(startedAt!.getTime() - createdAt.getTime() >= 30, "30 ms went by");
    const past = await at.node.start("echo", "past", { startAt: new Date(0) });
    assert.equal(await resultOf(past), "past");
    assert.deepEqual(await resultOf(later), [{ wait: "go" }, "early"]);
  });

  test("a client without an engine starts a run later, and a node is notified", async () => {
    await using at = await scene(database);
    const { database: adapter, schema } = at.db;
    await using client = await Continuum.connect({ database: adapter, schema });
    const run = await client.start("echo", 1, { delay: 20 });
    assert.equal(await resultOf(run), 1);
  });

  test("thousands start in few statements, and one in the way stops no other", async () => {
    await using at = await scene(database, {}, { maxResidentRuns: 1 });
    await resultOf(await at.node.start("echo", "first", { runId: "i7" }));
    await resultOf(await at.node.start("echo", "keyed", { idempotencyKey: "k" }));
    const items = Array.from({ length: 10_000 }, (_, index) => ({
      input: index,
      runId: `i${index}`,
      attributes: { index },
      ...(index === 8 ? { idempotencyKey: "k" } : {}),
    }));
    const started = await at.node.startMany("echo", items, {
      attributes: { batch: "b" },
      startAt: new Date(Date.now() + 3_600_000),
    });
    assert.equal(started.length, 10_000);
    const odd = started.flatMap((item, index) => item.status === "started" ? [] : [[index, item]]);
    assert.deepEqual(
      odd.map(([index, item]) => [index, (item as { error: { code: string } }).error.code]),
      [[7, "RUN_EXISTS"], [8, "IDEMPOTENCY_CONFLICT"]],
    );
    assert.equal(await at.node.runs.count({ where: { attributes: { batch: "b" } } }), 9_998);
    const [found] = (await at.node.runs.query({ where: { attributes: { index: 9_999 } } })).runs;
    assert.equal(found?.id, "i9999");
    const again = await at.node.startMany("echo", items.slice(0, 3), { ifExists: "useEnded" });
    assert.deepEqual(again.map(({ status }) => status), ["existing", "existing", "existing"]);
    const twice = await at.node.startMany("echo", [
      { input: 1, idempotencyKey: "t" },
      { input: 1, idempotencyKey: "t" },
      { input: 2, idempotencyKey: "t" },
    ]);
    assert.deepEqual(twice.map(({ status }) => status), ["started", "existing", "conflict"]);
  });

  test("many of which one can't be taken start none", async () => {
    await using at = await scene(database);
    await refused(
      at.node.startMany("echo", [{ input: 1 }, { input: () => {} }]),
      "NOT_SERIALIZABLE",
      "input[1]",
    );
    await refused(
      at.node.startMany("echo", [{ input: 1 }, { input: 1, runId: "" }]),
      "INVALID_ARGUMENT",
      "run id",
    );
    await refused(at.node.startMany("echo", [{}] as never), "INVALID_ARGUMENT", "item 0", "input");
    assert.equal(await at.node.runs.count(), 0);
  });

  test("a start in the caller's transaction is there when it commits, and never when it fails", async () => {
    await using at = await scene(database);
    const driver = await at.db.database.open();
    try {
      const ids = await driver.transaction(async (transaction) => {
        await transaction.query("select 1");
        const run = await at.node.start(
          await definitionOf(at.folder.url),
          "outbox",
          { transaction, idempotencyKey: "k", runId: "tx" },
        );
        const again = await at.node.start(await definitionOf(at.folder.url), "outbox", {
          transaction,
          idempotencyKey: "k",
        });
        await refused(
          at.node.start(await definitionOf(at.folder.url), "other", {
            transaction,
            idempotencyKey: "k",
          }),
          "IDEMPOTENCY_CONFLICT",
        );
        await transaction.query("select 1");
        return [run.id, again.id];
      });
      assert.deepEqual(ids, ["tx", "tx"]);
      assert.equal(await resultOf(at.node.run("tx")), "outbox");
      const failure = new Error("rolled back");
      await assert.rejects(
        driver.transaction(async (transaction) => {
          await at.node.start(await definitionOf(at.folder.url), 1, {
            transaction,
            runId: "never",
          });
          throw failure;
        }),
        failure,
      );
      await refused(at.node.run("never").status(), "RUN_NOT_FOUND");
    } finally {
      await driver.close();
    }
  });

  test("a namespace sees its own runs alone", async () => {
    await using at = await scene(database);
    const { database: adapter, schema } = at.db;
    await using b = await Continuum.connect({ database: adapter, schema, namespace: "b" });
    const mine = await at.node.start("echo", { wait: "go" }, { runId: "same" });
    const theirs = await b.start("echo", { wait: "go" }, { runId: "same" });
    await mine.signal("go", "mine");
    assert.deepEqual(await resultOf(mine), [{ wait: "go" }, "mine"]);
    await reached(theirs, "suspended");
    assert.equal((await theirs.status()).namespace, "b");
    const only = await at.node.start("echo", { wait: "go" }, { runId: "only" });
    const hidden = b.run("only");
    for (
      const attempt of [
        () => hidden.status(),
        () => hidden.history(),
        () => hidden.signal("go"),
        () => hidden.cancel(),
        () => hidden.terminate(),
        () => hidden.retry(),
        () => hidden.upgrade(),
        () => hidden.attributes.set({ a: 1 }),
        () => hidden.result({ timeout: 100 }),
      ]
    ) {
      await refused(attempt(), "RUN_NOT_FOUND", '"only"');
    }
    assert.deepEqual((await b.runs.query()).runs.map(({ id }) => id), ["same"]);
    assert.equal(await b.runs.count({ namespace: "default" }), 2);
    assert.equal((await at.node.run("same", { namespace: "b" }).status()).state, "suspended");
    await at.node.run("same", { namespace: "b" }).signal("go", "across");
    assert.deepEqual(await resultOf(theirs), [{ wait: "go" }, "across"]);
    await only.terminate();
  });
});

Deno.test("a transaction of postgres.js starts runs, and a database in its place is refused", async () => {
  const { POSTGRES } = await import("../support/database.ts");
  await using at = await scene(POSTGRES);
  const sql = postgresJs(postgresUrl(), { max: 1 });
  try {
    const run = await sql.begin(async (transaction) => {
      await transaction`select 1`;
      return { run: await at.node.start("echo", [1, "ü"], { transaction, delay: 1 }) };
    });
    assert.deepEqual(await resultOf(run.run), [1, "ü"]);
    await refused(
      at.node.start("echo", 1, { transaction: sql }),
      "INVALID_ARGUMENT",
      "found a database",
    );
    await refused(at.node.start("echo", 1, { transaction: 7 }), "INVALID_ARGUMENT", "found 7");
  } finally {
    await sql.end();
  }
});

Deno.test("GUEST-1: a client of pg starts runs in its transaction, and none outside of one", async () => {
  const { POSTGRES } = await import("../support/database.ts");
  await using at = await scene(POSTGRES);
  const client = new pg.Client(postgresUrl());
  await client.connect();
  try {
    await client.query("begin");
    const run = await at.node.start("echo", 1, { runId: "in", transaction: client, delay: 1 });
    assert.equal((await at.node.runs.query()).runs.length, 0, "not yet");
    await client.query("commit");
    assert.equal(await resultOf(run), 1);
    await client.query("begin");
    await at.node.start("echo", 1, { runId: "undone", transaction: client });
    await client.query("rollback");
    await refused(
      at.node.start("echo", 1, { runId: "out", transaction: client }),
      "TRANSACTION_OVER",
      "no transaction",
    );
    await refused(
      at.node.start("echo", 1, { idempotencyKey: "k", transaction: client }),
      "TRANSACTION_OVER",
      "nothing was written",
    );
    await refused(
      at.node.startMany("echo", [{ input: 1 }], { transaction: client }),
      "TRANSACTION_OVER",
      "no transaction",
    );
    assert.deepEqual((await at.node.runs.query()).runs.map(({ id }) => id), ["in"]);
  } finally {
    await client.end();
  }
});

Deno.test("GUEST-1: a caller's client that has continued outside of its transaction writes nothing", async () => {
  const { POSTGRES } = await import("../support/database.ts");
  await using at = await scene(POSTGRES);
  const [first, second] = [new pg.Client(postgresUrl()), new pg.Client(postgresUrl())];
  await Promise.all([first.connect(), second.connect()]);
  try {
    await first.query("begin");
    // As clients do that replace a lost connection, at each statement that a start sends in turn.
    for (let lostAt = 0; lostAt < 3; lostAt++) {
      let asked = 0;
      const transaction = {
        query: (text: string, values: unknown[]) =>
          (asked++ < lostAt ? first : second).query(text, values),
      };
      await refused(
        at.node.start("echo", 1, { runId: `lost${lostAt}`, transaction }),
        "TRANSACTION_OVER",
        "no transaction",
      );
    }
    await first.query("rollback");
    assert.deepEqual((await at.node.runs.query()).runs, []);
  } finally {
    await Promise.all([first.end(), second.end()]);
  }
});

/** The definition that the node imported itself: no database is asked which version it is. */
async function definitionOf(folder: string) {
  return (await import(`${folder}echo.ts`)).default;
}
