/**
 * What only a server with many sessions can show: locks, races, plans and lost connections.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { CommitResult } from "../../src/ports/rows.ts";
import type { Store } from "../../src/ports/store.ts";
import type { SqlSession } from "../../src/store/sql/driver.ts";
import { openStore } from "../../src/store/open.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { CHANGE_STATEMENTS } from "../../src/store/runs/change_statements.ts";
import { LEASE_STATEMENTS } from "../../src/store/runs/lease_statements.ts";
import { MESSAGE_STATEMENTS } from "../../src/store/runs/message_statements.ts";
import { READ_STATEMENTS } from "../../src/store/runs/read_statements.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { emptyDatabase, emptyPostgres, POSTGRES, postgresUrl } from "../support/database.ts";
import { startPostgres } from "../support/embedded_postgres.ts";
import {
  claimed,
  claimOne,
  commitOne,
  expire,
  holding,
  makeDue,
  newEvent,
  newRun,
  newTask,
  newWorld,
  NODE,
  register,
  share,
  suspended,
  waiting,
} from "../support/store_rows.ts";

Deno.test("JOURNAL-2: a locked row delays only its own run, and is written once it is free", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  await store.runs.insert(Array.from({ length: 100 }, (_, index) => newRun(`r${index}`)));
  const runs = await store.runs.claim({ node: NODE, limit: 100, excluded: [] });
  const locked = runs.find(({ runId }) => runId === "r50")!;
  const flush = (first: number) =>
    store.journal.commit(runs.map((run) => share(run, first, { events: [newEvent("a")] })));
  const busy = (results: CommitResult[]) =>
    results.flatMap(({ status }, index) => status === "busy" ? [runs[index]!.id] : []);
  await holding(db, "r50", async () => {
    const first = await flush(0);
    assert.deepEqual(busy(first), [locked.id]);
    assert.equal(first.filter(({ status }) => status === "written").length, 99);
    const second = await flush(1);
    assert.equal(second.filter(({ status }) => status === "written").length, 99);
    const zombie = share({ ...locked, token: 1 }, 0, { events: [newEvent("z")] });
    assert.equal(
      await commitOne(store, zombie),
      "lost",
      "the result is lost, with a lock or without",
    );
  });
  assert.equal(await commitOne(store, share(locked, 0, { events: [newEvent("a")] })), "written");
});

Deno.test("JOURNAL-2: where nothing can be written at all, every share is busy and none waits", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const run = await claimed(store, "r");
  const entry = share(run, 0, { events: [newEvent("a")] });
  const driver = await db.database.open();
  await driver.transaction(async (session) => {
    const lock = new SchemaName(db.schema).fill("lock table {schema}.runs in exclusive mode");
    await session.query(lock);
    assert.equal(await commitOne(store, entry), "busy");
    assert.equal(await commitOne(store, entry), "busy");
  });
  await driver.close();
  assert.equal(await commitOne(store, entry), "written");
});

Deno.test("JOURNAL-5: of signals that race with suspending, none is lost", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const sender = await db.open();
  const rounds = 100;
  for (let round = 0; round < rounds; round++) {
    const run = await claimed(store, `r${round}`);
    const [, result] = await Promise.all([
      sender.runs.deliver(run.runId, { kind: "signal", name: "go", payload: null }),
      commitOne(store, share(run, 0, { events: [newEvent("wait")], transition: suspended(0) })),
    ]);
    const row = await store.runs.get(run.runId);
    if (result === "woken") {
      assert.equal(row?.state, "running", "its owner looks again");
      await store.runs.end(run.runId, "terminated", "{}", { onlyStuck: false });
    } else {
      assert.equal(result, "written");
      assert.notEqual(row?.wakeAt, null, "a claimer finds it");
      const again = await claimOne(store);
      assert.equal((await store.journal.load([{ id: again.id, from: 0 }]))[0]?.inbox.length, 1);
      await store.runs.end(run.runId, "terminated", "{}", { onlyStuck: false });
    }
  }
});

Deno.test("NODE-1: of runs claimed while their node is expired, none is left behind", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const dying = await db.open();
  for (let round = 0; round < 50; round++) {
    const node = `dying-${round}`;
    await dying.nodes.open({ id: node, name: node, leaseMs: 60_000 });
    await expire(db, node);
    await store.runs.insert([newRun(`r${round}`)]);
    await Promise.all([
      dying.runs.claim({ node, limit: 9, excluded: [] }),
      dying.runs.insert([newRun(`own${round}`, { lease: { node, token: 5 } })]),
      store.nodes.expire(NODE, false),
    ]);
    await store.nodes.expire(NODE, false);
    const orphans = await db.query(
      "select from {schema}.runs where node is not null and node not in (select id from {schema}.nodes)",
    );
    assert.equal(orphans.length, 0);
    for (const runId of [`r${round}`, `own${round}`]) {
      const row = await store.runs.get(runId);
      assert.equal(row?.node, null);
      assert.notEqual(row?.wakeAt, null);
      await store.runs.end(runId, "terminated", "{}", { onlyStuck: false });
    }
  }
});

Deno.test("NODE-1: a node that sends a heartbeat while it is being expired keeps everything or loses everything", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const other = await db.open();
  for (let round = 0; round < 50; round++) {
    const node = `beating-${round}`;
    await other.nodes.open({ id: node, name: node, leaseMs: 60_000 });
    const run = await claimed(other, `r${round}`, node);
    await expire(db, node);
    const [beat, , committed] = await Promise.all([
      other.nodes.heartbeat(node, 60_000),
      store.nodes.expire(NODE, false),
      commitOne(other, share(run, 0, { events: [newEvent("a")] })),
    ]);
    const after = await commitOne(
      other,
      share(run, committed === "written" ? 1 : 0, { events: [newEvent("b")] }),
    );
    assert.equal(after, beat.alive ? "written" : "lost");
    await store.runs.end(run.runId, "terminated", "{}", { onlyStuck: false });
  }
});

Deno.test("INSERT-2: a start in a transaction that another one was ahead of finds that run, and can continue", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const [first, second] = [await db.database.open(), await db.database.open()];
  const began = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  try {
    const ahead = first.transaction(async (session) => {
      const [run] = await store.runs.insertInto(session, [newRun("r", { input: "1" })]);
      began.resolve();
      await commit.promise;
      return run!;
    });
    await began.promise;
    const behind = second.transaction(async (session) => {
      const asked = store.runs.insertInto(session, [
        newRun("r", { input: "2", seed: "another start" }),
        newRun("s"),
      ]);
      while (await waiting(db) === 0);
      commit.resolve();
      const [run, other] = await asked;
      await session.query("select 1");
      return { run: run!, other: other! };
    });
    const [made, found] = await Promise.all([ahead, behind]);
    assert.deepEqual([made.created, found.run.created, found.other.created], [true, false, true]);
    assert.equal(found.run.id, made.id);
    assert.equal((await store.runs.get("r"))?.input, "1");
    assert.equal((await store.runs.get("s"))?.id, found.other.id);
  } finally {
    await first.close();
    await second.close();
  }
});

Deno.test("a task that is claimed, or given back, while its run gives it up is given up", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const driver = await db.database.open();
  const fill = (text: string) => new SchemaName(db.schema).fill(text);
  const run = await claimed(store, "r");
  await store.tasks.announce([newTask(run), newTask(run, { position: 1, token: 3 })]);
  const change = async (text: string, given: number) => {
    await driver.transaction(async (session) => {
      await session.query(fill(text));
      const asked = store.tasks.cancel(run.id, run.token, [given]);
      while (await waiting(db) === 0);
      return { asked };
    }).then(async ({ asked }) => assert.deepEqual(await asked, given === 0 ? [] : [1]));
  };
  try {
    await change(
      `update {schema}.tasks set state = 'leased', node = '${NODE}', token = 7, expires_at = null
       where position = 0`,
      0,
    );
    await change(
      `update {schema}.tasks set state = 'ready', node = null, token = null where position = 1`,
      1,
    );
  } finally {
    await driver.close();
  }
  const rows = await db.query<{ position: number; asked: boolean }>(
    "select position, cancel_requested as asked from {schema}.tasks",
  );
  assert.deepEqual(rows.map((row) => ({ ...row })), [{ position: 0, asked: true }]);
});

Deno.test("writers, senders and claimers at once never deadlock, lose an event or claim past a limit", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const second = await db.open();
  await second.nodes.open({ id: "node-2", name: "two", leaseMs: 60_000 });
  await store.runs.insert(Array.from({ length: 40 }, (_, index) => newRun(`r${index}`)));
  const written = new Map<number, number>();
  const work = async (own: Store, node: string) => {
    for (let round = 0; round < 50; round++) {
      const limit = 1 + round % 20;
      const runs = await own.runs.claim({ node, limit, excluded: [] });
      assert(runs.length <= limit);
      const loaded = new Map(
        (await own.journal.load(runs.map(({ id }) => ({ id, from: 0 })))).map((
          run,
        ) => [run.id, run]),
      );
      let shares = runs.map((run) =>
        share(run, loaded.get(run.id)!.events.length, {
          events: [newEvent(node)],
          consumed: loaded.get(run.id)!.inbox.map(({ id }) => id),
          transition: { to: "released" as const, afterMs: 0 },
        })
      );
      while (shares.length > 0) {
        const results = await own.journal.commit(shares);
        shares = shares.filter((each, index) => {
          const { status } = results[index]!;
          if (status === "written") written.set(each.run, (written.get(each.run) ?? 0) + 1);
          else assert.equal(status, "busy");
          return status === "busy";
        });
      }
    }
  };
  const send = async () => {
    for (let index = 0; index < 200; index++) {
      await second.runs.deliver(`r${index % 40}`, { kind: "signal", name: "s", payload: null });
    }
  };
  await Promise.all([work(store, NODE), work(second, "node-2"), send(), send()]);
  const rows = await db.query<{ id: number; next_seq: number; n: number }>(
    `select id, next_seq, (select count(*)::integer from {schema}.events where run = id) as n
     from {schema}.runs`,
  );
  for (const { id, next_seq, n } of rows) {
    assert.equal(next_seq, n);
    assert.equal(n, written.get(id) ?? 0);
  }
});

Deno.test("appends are heap-only updates, and no index holds a column that they change", async () => {
  // On a server of its own: elsewhere, other tests' transactions keep pages from being cleaned.
  await using server = await startPostgres();
  await using world = await newWorld({ fresh: () => emptyDatabase(postgres(server.url)) });
  const { store, db } = world;
  const driver = await db.database.open();
  try {
    await store.runs.insert(Array.from({ length: 10 }, (_, index) => newRun(`r${index}`)));
    const runs = await store.runs.claim({ node: NODE, limit: 10, excluded: [] });
    for (let first = 0; first < 100; first++) {
      await store.journal.commit(
        runs.map((run) => share(run, first, { events: [newEvent("a", '"x"')] })),
      );
    }
    const indexed = await db.query<{ name: string }>(
      `select distinct attribute.attname as name
       from pg_index as index join pg_attribute as attribute
         on attribute.attrelid = index.indrelid and (
           attribute.attnum = any(index.indkey)
           or pg_get_expr(index.indpred, index.indrelid) ~ ('\\m' || attribute.attname || '\\M'))
       where index.indrelid = '{schema}.runs'::regclass and attribute.attnum > 0 order by 1`,
    );
    assert.deepEqual(indexed.map(({ name }) => name), [
      "attributes",
      "created_at",
      "given_back",
      "halted",
      "id",
      "lacks_version",
      "must_notify",
      "namespace",
      "origin",
      "parent",
      "rests",
      "run_id",
      "specifier_id",
      "started_at",
      "stuck_reason",
      "trouble_at",
      "wake_at",
    ]);
  } finally {
    await driver.close();
  }
  // A session hands its counts in when it ends.
  await store[Symbol.asyncDispose]();
  const counts = () =>
    db.query<{ updates: number; hot: number }>(
      `select n_tup_upd as updates, n_tup_hot_upd as hot from pg_stat_user_tables
       where schemaname = $1 and relname = 'runs'`,
      [db.schema],
    );
  let [row] = await counts();
  for (let look = 0; look < 2_000 && row!.updates < 1_010; look++) [row] = await counts();
  assert.equal(row!.updates, 1_010, "ten claims and a thousand appends");
  assert.ok(row!.hot >= 990, `found ${row!.hot} heap-only updates`);
});

Deno.test("a claim reads its partial index, however many runs are parked or have ended", async () => {
  await using world = await newWorld({ fresh: POSTGRES.empty });
  const { store, db } = world;
  await store.runs.insert(Array.from({ length: 2_000 }, (_, index) => newRun(`r${index}`)));
  await db.query(
    `update {schema}.runs set state = 'terminated', error = '{}', wake_at = null,
       ended_at = clock_timestamp() where id % 100 > 0`,
  );
  await db.query("vacuum analyze {schema}.runs");
  const { claim, claimStarts } = new SchemaName(db.schema).prepare(LEASE_STATEMENTS);
  for (const statement of [claim, claimStarts]) {
    const values = statement.bind({ node: NODE, limit: 10, excluded: [] });
    const plan = JSON.stringify(await db.query(`explain ${statement.text}`, values));
    assert.match(plan, /Index Scan using runs_due/);
    assert.match(plan, /Index Scan using runs_to_start/);
  }
});

Deno.test("a run is found by its id and namespace alone, also before the table has statistics", async () => {
  await using world = await newWorld({ fresh: POSTGRES.empty });
  const { store, db } = world;
  await store.runs.insert(Array.from({ length: 300 }, (_, index) => newRun(`r${index}`)));
  const statements = { ...READ_STATEMENTS, ...CHANGE_STATEMENTS, ...MESSAGE_STATEMENTS };
  const sql = new SchemaName(db.schema).prepare(statements);
  const run = { runId: "r7", namespace: "default" };
  const message = {
    kind: "signal",
    name: "go",
    payload: "1",
    deliveryId: null,
    version: null,
    trace: null,
  };
  const calls = [
    [sql.get.text, sql.get.bind(run)],
    [sql.watch.text, sql.watch.bind(run)],
    [sql.version.text, sql.version.bind({ runIds: ["r7"], namespace: "default" })],
    [sql.deliver.text, sql.deliver.bind({ ...run, ...message })],
  ] as const;
  for (const [text, values] of calls) {
    const rows = await db.query<{ "QUERY PLAN": string }>(`explain ${text}`, values);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    assert.match(plan, /runs_run_id/, plan);
    assert.doesNotMatch(plan, /runs_by_|Seq Scan on runs/, plan);
  }
});

Deno.test("twenty processes may migrate one schema at once", async () => {
  await using db = await emptyPostgres();
  const script = `
    import { openStore } from ${JSON.stringify(import.meta.resolve("../../src/store/open.ts"))};
    await using store = await openStore({ database: Deno.args[0], schema: Deno.args[1] });
    await store.migrate();
    await store.nodes.open({ id: Deno.args[2], name: "", leaseMs: 60_000 });
  `;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, script);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        new Deno.Command(Deno.execPath(), {
          args: [
            ...["run", "-A", "--no-check", "--config", config, path],
            ...[postgresUrl(), db.schema, `n${index}`],
          ],
        }).output()),
    );
    for (const { success, stderr } of results) {
      assert.ok(success, new TextDecoder().decode(stderr));
    }
  } finally {
    await Deno.remove(path);
  }
  const store = await db.open();
  assert.equal((await store.nodes.alive()).length, 20);
});

Deno.test("statements need not be prepared", async () => {
  await using db = await emptyPostgres();
  const database = postgres(postgresUrl(), { prepare: false, connections: 1 });
  await using store = await openStore({ database, schema: db.schema });
  await store.migrate();
  await store.nodes.open({ id: NODE, name: "one", leaseMs: 60_000 });
  await register(store);
  const run = await claimed(store, "r");
  const events = [newEvent("a", '"\\u0000"')];
  assert.equal(await commitOne(store, share(run, 0, { events })), "written");
  assert.equal((await store.runs.history("r", 0, 1))[0]?.payload, '"\\u0000"');
});

Deno.test("NODE-1: a transaction sees what others commit meanwhile, whatever the database's default is", async () => {
  const url = new URL(await postgresUrl());
  url.searchParams.set("default_transaction_isolation", "repeatable read");
  const driver = await postgres(url.href).open();
  try {
    const shown = await driver.transaction((session) =>
      session.query<{ transaction_isolation: string }>("show transaction_isolation")
    );
    assert.deepEqual(shown.map((row) => row.transaction_isolation), ["read committed"]);
  } finally {
    await driver.close();
  }
});

Deno.test("a server that is not there is named, without the password", async () => {
  const database = "postgres://user:secret@127.0.0.1:1/nowhere";
  await using store = await openStore({ database });
  await assert.rejects(store.migrate(), (error: Error & { code?: string }) => {
    assert.equal(error.code, "DATABASE_UNAVAILABLE");
    assert.match(error.message, /127\.0\.0\.1:1\/nowhere/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

Deno.test("a server that goes down and comes back finds its store at work again", async () => {
  await using server = await startPostgres();
  await using store = await openStore({ database: server.url });
  await store.migrate();
  await store.nodes.open({ id: NODE, name: "one", leaseMs: 600_000 });
  await register(store);
  const gaps = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let gap = 0;
  const heard = Promise.withResolvers<string>();
  await using _subscription = await store.notices.subscribe(
    (notice) => heard.resolve(notice.kind),
    () => gaps[gap++]?.resolve(),
  );
  const run = await claimed(store, "r");

  const killer = await postgres(server.url).open();
  const kill =
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'continuum'" +
    " and pid <> pg_backend_pid()";
  await killer.query(kill).catch(() => {});
  await gaps[0]!.promise;
  const entry = share(run, 0, { events: [newEvent("a")] });
  assert.ok(["written", "stale"].includes(await untilUp(() => commitOne(store, entry))));

  await server.restart(async () => {
    await assert.rejects(store.now(), { code: "DATABASE_UNAVAILABLE" });
    await assert.rejects(commitOne(store, share(run, 1)), { code: "DATABASE_UNAVAILABLE" });
  });
  assert.ok(await untilUp(() => store.now()) > 0);
  assert.equal(
    await untilUp(() => commitOne(store, share(run, 1, { events: [newEvent("b")] }))),
    "written",
  );
  await gaps[1]!.promise;
  await using other = await openStore({ database: server.url });
  await other.notices.publish([{ kind: "due" }]);
  assert.equal(await heard.promise, "due");
  assert.equal((await store.runs.history("r", 0, 9)).length, 2);
  await killer.close();
});

/** Repeats while the database says that it is out of reach, as every caller of a store does. */
async function untilUp<Result>(work: () => Promise<Result>): Promise<Result> {
  while (true) {
    try {
      return await work();
    } catch (error) {
      assert.equal((error as { code?: string }).code, "DATABASE_UNAVAILABLE");
    }
  }
}

Deno.test("a run whose time has come is due without anybody's help", async () => {
  await using world = await newWorld(POSTGRES);
  const { store, db } = world;
  const run = await claimed(store, "r");
  const soon = suspended(0, await store.now() + 3_600_000);
  await commitOne(store, share(run, 0, { events: [newEvent("sleep")], transition: soon }));
  assert.deepEqual(await store.runs.claim({ node: NODE, limit: 1, excluded: [] }), []);
  await makeDue(db, "r");
  assert.equal((await claimOne(store)).runId, "r");
});

Deno.test("who may only read and write opens a schema that is up to date", async () => {
  await using db = await emptyPostgres();
  await using _owner = await db.open();
  const role = `reader_${crypto.randomUUID().slice(0, 8)}`;
  await db.query(`create role ${role} login password 'secret'`);
  await db.query(`grant usage on schema {schema} to ${role}`);
  await db.query(
    `grant select, insert, update, delete on all tables in schema {schema} to ${role}`,
  );
  try {
    const url = Object.assign(new URL(postgresUrl()), { username: role, password: "secret" });
    await using store = await openStore({ database: url.href, schema: db.schema });
    await store.migrate();
    await register(store);
    assert.equal((await store.versions.page({ limit: 9, most: 1 })).length, 1);
    await db.query(`revoke delete on {schema}.inbox from ${role}`);
    await assert.rejects(store.migrate(), {
      code: "DATABASE_UNSUITABLE",
      message: /found no right to delete on .*\.inbox, wanted/,
    });
    await using elsewhere = await openStore({ database: url.href, schema: "not_mine" });
    await assert.rejects(elsewhere.migrate(), {
      code: "DATABASE_UNSUITABLE",
      message: /permission denied for database/,
    });
  } finally {
    await db.query(`drop owned by ${role}`);
    await db.query(`drop role ${role}`);
  }
});

Deno.test("a transaction whose connection is lost is over, whatever its code asks later", async () => {
  await using db = await emptyPostgres();
  await db.query(`create schema {schema}`);
  await db.query(`create table {schema}.ledger (entry text)`);
  const insert = new SchemaName(db.schema).fill(`insert into {schema}.ledger values ('x')`);
  const driver = await db.database.open();
  const lost = Promise.withResolvers<void>();
  const late = Promise.withResolvers<unknown[]>();
  await assert.rejects(
    driver.transaction(async (session) => {
      const [own] = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
      await session.query(insert);
      await db.query("select pg_terminate_backend($1)", [own!.pid]);
      await lost.promise;
      const client = session.client as { query(text: string): Promise<unknown> };
      const asked = await Promise.allSettled([session.query(insert), client.query(insert)]);
      late.resolve(asked.map(({ status }) => status));
    }),
    { code: "DATABASE_UNAVAILABLE" },
  );
  const others = Array.from({ length: 8 }, () => driver.query("select 1 as one"));
  assert.deepEqual((await Promise.all(others)).flat(), Array(8).fill({ one: 1 }));
  lost.resolve();
  assert.deepEqual(await late.promise, ["rejected", "rejected"]);
  assert.deepEqual(await db.query(`select * from {schema}.ledger`), []);
  await driver.close();
});

Deno.test(
  "whatever connections are lost, every statement is answered, and so are those after it",
  async () => {
    await using db = await emptyPostgres();
    const name = `lost_${db.schema}`;
    const driver = await postgres(postgresUrl(), { applicationName: name }).open();
    const ask = (session: SqlSession, index: number) =>
      session.query("select $1::integer as it", [index]);
    const work = (index: number) =>
      index % 5 === 0
        ? driver.transaction(async (
          session,
        ) => [await ask(session, index), await ask(session, index)])
        : ask(index % 3 === 0 ? driver.impatient : driver, index);
    for (let round = 0; round < 30; round++) {
      const asked = Promise.allSettled(Array.from({ length: 60 }, async (_, index) => {
        for (let turn = 0; turn < index % 7; turn++) await new Promise(setImmediate);
        return await work(index);
      }));
      await db.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
        [name],
      );
      for (const { status, reason } of await asked as PromiseRejectedResult[]) {
        if (status === "rejected") assert.equal(reason.code ?? reason, "DATABASE_UNAVAILABLE");
      }
    }
    await driver.close();
  },
);
