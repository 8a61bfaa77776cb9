/**
 * Sessions on Postgres: who has which, what is set in them, and what becomes of those that go mute.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openStore } from "../../src/store/open.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { type ServerInfo, unsuitable } from "../../src/store/postgres/settings.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { Proxy } from "../support/proxy.ts";
import { eventually } from "../support/runs.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { claimed, commitOne, newEvent, NODE, register, share } from "../support/store_rows.ts";

interface Typed {
  readonly whole: unknown;
  readonly large: unknown;
  readonly real: unknown;
  readonly exact: unknown;
  readonly bytes: unknown;
  readonly time: unknown;
  readonly yes: unknown;
  readonly nothing: unknown;
  readonly list: unknown;
  readonly text: unknown;
  readonly parsed: unknown;
}

const TYPED = `select 7::integer as whole, 9007199254740991::bigint as large, 0.1::float8 as real,
  1.50::numeric as exact, '\\x005cff'::bytea as bytes, 'epoch'::timestamptz as time,
  true as yes, null as nothing, array[1,null]::integer[] as list,
  '{"a":  1}'::json::text as text, '{"a":1}'::jsonb as parsed`;

const VALUES: Typed = {
  whole: 7,
  large: 9007199254740991,
  real: 0.1,
  exact: "1.50",
  bytes: Uint8Array.of(0, 92, 255),
  time: new Date(0),
  yes: true,
  nothing: null,
  list: "{1,NULL}",
  text: '{"a":  1}',
  parsed: { a: 1 },
};

Deno.test("values come back alike from the store's own sessions and from transactions", async () => {
  for (const query of ["", "?bytea_output=escape&DateStyle=German&extra_float_digits=-5"]) {
    const driver = await postgres(postgresUrl() + query).open();
    try {
      const own = await driver.query<Typed>(TYPED);
      const inside = await driver.transaction((session) => session.query<Typed>(TYPED), {
        isUsers: true,
      });
      assert.deepEqual(own.concat(inside).map((row) => ({ ...row })), [VALUES, VALUES]);
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const [back] = await driver.query<{ bytes: Uint8Array }>("select $1::bytea as bytes", [
        bytes,
      ]);
      assert.deepEqual(Uint8Array.from(back!.bytes), bytes);
    } finally {
      await driver.close();
    }
  }
});

Deno.test("SESSION-1: whatever a role's settings are, the store's sessions have those that they need", async () => {
  await using db = await emptyPostgres();
  await using _owner = await db.open();
  const settings: Readonly<Record<string, string>> = {
    array_nulls: "off",
    bytea_output: "escape",
    DateStyle: "German",
    IntervalStyle: "sql_standard",
    default_transaction_deferrable: "on",
    default_transaction_isolation: "serializable",
    enable_indexscan: "off",
    enable_seqscan: "off",
    exit_on_error: "on",
    extra_float_digits: "0",
    gin_fuzzy_search_limit: "1",
    idle_in_transaction_session_timeout: "1000",
    jit: "on",
    lock_timeout: "1",
    search_path: "nowhere, pg_catalog",
    session_replication_role: "replica",
    standard_conforming_strings: "off",
    statement_timeout: "1000",
    transform_null_equals: "on",
  };
  const url = new URL(postgresUrl());
  for (const [name, value] of Object.entries(settings)) url.searchParams.set(name, value);
  await using store = await openStore({ database: url.href, schema: db.schema });
  await store.migrate();
  await store.nodes.open({ id: NODE, name: "one", leaseMs: 60_000 });
  await register(store);
  const run = await claimed(store, "r");
  const events = [newEvent("a", '"\\\\"'), newEvent("b")];
  assert.equal(await commitOne(store, share(run, 0, { events })), "written");
  const [first, second] = await store.runs.history("r", 0, 9);
  assert.deepEqual([first?.payload, second?.payload], ['"\\\\"', newEvent("b").payload]);
  const driver = await postgres(url.href).open();
  const shown = await driver.query<{ name: string; setting: string }>(
    "select name, setting from pg_settings where name = any($1::text[]) order by name",
    [`{${Object.keys(settings).join(",")}}`],
  );
  const [timeout] = await driver.impatient.query<{ lock_timeout: string }>("show lock_timeout");
  await driver.close();
  assert.equal(timeout?.lock_timeout, "50ms");
  assert.deepEqual(Object.fromEntries(shown.map(({ name, setting }) => [name, setting])), {
    array_nulls: "on",
    bytea_output: "hex",
    DateStyle: "ISO, DMY",
    IntervalStyle: "postgres",
    default_transaction_deferrable: "off",
    default_transaction_isolation: "read committed",
    enable_indexscan: "on",
    enable_seqscan: "on",
    exit_on_error: "off",
    extra_float_digits: "1",
    gin_fuzzy_search_limit: "0",
    idle_in_transaction_session_timeout: "0",
    jit: "off",
    lock_timeout: "0",
    search_path: "pg_catalog",
    session_replication_role: "origin",
    standard_conforming_strings: "on",
    statement_timeout: "0",
    transform_null_equals: "off",
  });
});

Deno.test("SESSION-1: what can't be set is refused by its name, with what was found and wanted", async () => {
  const facts: ServerInfo = {
    pid: 1,
    version: "14.9",
    release: 140009,
    encoding: "UTF8",
    settings: {},
  };
  assert.match(unsuitable(facts)!.message, /server_version .* found 14\.9, wanted 15 or newer/);
  assert.equal(unsuitable({ ...facts, release: 150000 }), null);
  await using db = await emptyPostgres();
  const name = `latin_${db.schema}`;
  await db.query(
    `create database ${name} encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'`,
  );
  try {
    const url = Object.assign(new URL(postgresUrl()), { pathname: `/${name}` });
    await using store = await openStore({ database: url.href });
    await assert.rejects(store.migrate(), {
      code: "DATABASE_UNSUITABLE",
      message: /server_encoding .* found LATIN1, wanted UTF8/,
    });
  } finally {
    await db.query(`drop database ${name} with (force)`);
  }
});

Deno.test("POSTGRES-1: transactions of workflows, however many and long, keep no other caller waiting", async () => {
  await using db = await emptyPostgres();
  const driver = await postgres(postgresUrl(), { connections: 1, transactions: 2 }).open();
  const gate = Promise.withResolvers<void>();
  const begun: number[] = [];
  const twoBegun = Promise.withResolvers<void>();
  const long = Array.from({ length: 6 }, (_, index) =>
    driver.transaction(async (session) => {
      await session.query("select 1");
      if (begun.push(index) === 2) twoBegun.resolve();
      await gate.promise;
    }, { isUsers: true }));
  await twoBegun.promise;
  for (let turn = 0; turn < 3; turn++) {
    await driver.query("select 1");
    await driver.impatient.query("select 1");
    await driver.transaction((session) => session.query("select 1"));
  }
  assert.equal(begun.length, 2, "as many as have a connection");
  gate.resolve();
  await Promise.all(long);
  assert.equal(begun.length, 6);
  await driver.close();
  void db;
});

Deno.test("POSTGRES-2: with three connections everything works, and with too few it says so", async () => {
  await using db = await emptyPostgres();
  const role = `few_${crypto.randomUUID().slice(0, 8)}`;
  await db.query(`create role ${role} login password 'secret' connection limit 3`);
  const url = Object.assign(new URL(postgresUrl()), { username: role, password: "secret" });
  const driver = await postgres(url.href).open();
  const end = await driver.listen!("few", () => {}, () => {});
  try {
    const many = (ask: () => Promise<unknown>) => Promise.all(Array.from({ length: 9 }, ask));
    for (let round = 0; round < 3; round++) {
      await many(() => driver.impatient.query("select 1"));
      await driver.query("select 1");
      await many(() =>
        driver.transaction((session) => session.query("select 1"), { isUsers: true })
      );
      await many(() => driver.query("select 1"));
      await many(() => driver.impatient.query("select 1"));
    }
    const other = await postgres(url.href).open();
    assert.equal((await other.query("select 1")).length, 1, "over what the first has given up");
    await other.close();
  } finally {
    await end();
    await driver.close();
  }
  await db.query(`alter role ${role} connection limit 1`);
  const [holder, refused] = [
    await postgres(url.href).open(),
    await postgres(url.href).open(),
  ];
  await holder.transaction(async (session) => {
    await session.query("select 1");
    await assert.rejects(refused.query("select 1"), {
      code: "DATABASE_UNAVAILABLE",
      message: /too many connections.* needs two connections, and uses up to ten/,
    });
  });
  await Promise.all([holder.close(), refused.close()]);
  await db.query(`drop role ${role}`);
});

Deno.test("errors of connecting are one error, with the database's name and without its secret", async () => {
  const base = new URL(postgresUrl());
  const nobody = Object.assign(new URL(base), { username: "nobody_here", password: "s3cret" });
  const nowhere = Object.assign(new URL(base), { pathname: "/no_such", password: "s3cret" });
  const unknown = Object.assign(new URL(base), { hostname: "no-such-host.invalid" });
  const encrypted = new URL(base);
  encrypted.searchParams.set("sslmode", "require");
  for (
    const [url, wanted] of [
      [nobody, /nobody_here@.*role "nobody_here" does not exist/],
      [nowhere, /\/no_such.*database "no_such" does not exist/],
      [unknown, /no-such-host\.invalid/],
      [encrypted, /SSL/],
    ] as const
  ) {
    const driver = await postgres(url.href).open();
    await assert.rejects(driver.query("select 1"), (error: Error & { code?: string }) => {
      assert.equal(error.code, "DATABASE_UNAVAILABLE");
      assert.match(error.message, wanted);
      assert.doesNotMatch(Deno.inspect(error, { depth: 9 }), /s3cret/);
      return true;
    });
    await driver.close();
  }
});

Deno.test("CONNECTION-3: a connection that goes mute is replaced, one that works for long is waited for", async () => {
  const target = new URL(postgresUrl());
  await using proxy = new Proxy({ hostname: target.hostname, port: Number(target.port || 5432) });
  const url = Object.assign(new URL(target), { hostname: "127.0.0.1", port: String(proxy.port) });
  const driver = await postgres(url.href, { connections: 1, answerMs: 100 }).open();
  const gaps = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<string>();
  const end = await driver.listen!("mute", heard.resolve, gaps.resolve);
  try {
    await driver.query("select 1");
    await driver.query("select pg_sleep(1)"); // ten times as long
    proxy.mute();
    await assert.rejects(driver.query("select 1"), (error: Error & { code?: string }) => {
      assert.equal(error.code, "DATABASE_UNAVAILABLE");
      assert.deepEqual((error as unknown as { details: unknown }).details, {
        database: `postgres://${url.username}@${url.host}${url.pathname}`,
        mayBeWritten: true,
      });
      return true;
    });
    assert.equal((await driver.query("select 1")).length, 1);
    await gaps.promise; // the listening connection was mute too
    await driver.query("select pg_notify('mute', 'again')");
    assert.equal(await heard.promise, "again");
  } finally {
    await end();
    await driver.close();
  }
});

Deno.test("CONNECTION-3: an inquiry ends with its statement, and before the connection is closed", async () => {
  const target = new URL(postgresUrl());
  await using proxy = new Proxy({ hostname: target.hostname, port: Number(target.port || 5432) });
  const url = Object.assign(new URL(target), { hostname: "127.0.0.1", port: String(proxy.port) });
  const driver = await postgres(url.href, { connections: 1, answerMs: 20 }).open();
  const other = await postgres(target.href, { connections: 1 }).open();
  const key = crypto.getRandomValues(new Uint16Array(1))[0]!;
  const [lock, unlock] = ["lock", "unlock"].map((call) => `select pg_advisory_${call}(${key})`);
  try {
    await driver.query("select 1");
    await other.query(lock!);
    const held = proxy.holdNext();
    const asked = driver.query(lock!);
    const inquiry = await held;
    await other.query(unlock!);
    await asked;
    await driver.close();
    const over = inquiry.read(new Uint8Array(1_000)).then(async (size) =>
      size === null || await inquiry.read(new Uint8Array(1_000)) === null
    );
    // Without an answer it would end by itself, after five seconds.
    assert.equal(await Promise.race([over, other.query("select pg_sleep(3)")]), true);
  } finally {
    await driver.close();
    await other.close();
  }
});

Deno.test("POOL-2: where a connection was lost, none that rested meanwhile is asked", async () => {
  const target = new URL(postgresUrl());
  await using proxy = new Proxy({ hostname: target.hostname, port: Number(target.port || 5432) });
  const url = Object.assign(new URL(target), { hostname: "127.0.0.1", port: String(proxy.port) });
  const driver = await postgres(url.href, { connections: 4, answerMs: 100 }).open();
  const other = await postgres(target.href, { connections: 1 }).open();
  const key = crypto.getRandomValues(new Uint16Array(1))[0]!;
  const pid = async (rest = "") => {
    const [row] = await driver.query<{ pid: number }>(`select pg_backend_pid() as pid ${rest}`);
    return row!.pid;
  };
  /** Several sessions, all of which wait for the same before any of them answers. */
  const pids = async () => {
    await other.query(`select pg_advisory_lock(${key})`);
    const waiting = `from (select pg_advisory_xact_lock_shared(${key}) offset 0) as waited`;
    const asked = Promise.all(Array.from({ length: 4 }, () => pid(waiting)));
    await eventually(
      async () => {
        const [row] = await other.query<{ n: number }>(
          `select count(*)::integer as n from pg_locks
           where locktype = 'advisory' and not granted and objid = ${key}`,
        );
        return row!.n > 1 || undefined;
      },
      () => "second session that waits",
    );
    await other.query(`select pg_advisory_unlock(${key})`);
    return await asked;
  };
  try {
    await pid();
    const before = new Set(await pids());
    assert.ok(before.size > 1, "several are at rest");
    proxy.mute();
    await assert.rejects(pid(), { code: "DATABASE_UNAVAILABLE" });
    assert.ok(!before.has(await pid()), "the next one is made anew");
  } finally {
    await driver.close();
    await other.close();
  }
});

Deno.test("STATEMENT-1: a statement that the session no longer knows, or plans otherwise, is asked again", async () => {
  await using db = await emptyPostgres();
  const driver = await postgres(postgresUrl(), { connections: 1 }).open();
  const { schema } = db;
  const text = `select * from ${new SchemaName(schema).fill("{schema}")}.t`;
  try {
    await db.query("create schema {schema}");
    await db.query("create table {schema}.t as select 1 as a");
    assert.deepEqual(await driver.query(text), [{ a: 1 }]);
    await driver.script("deallocate all");
    assert.deepEqual(await driver.query(text), [{ a: 1 }]);
    assert.deepEqual(await driver.query(text), [{ a: 1 }]);
    await db.query("alter table {schema}.t add b integer");
    assert.deepEqual(await driver.query(text), [{ a: 1, b: null }]);
    const names = await driver.query<{ n: number }>(
      "select count(*)::integer as n from pg_prepared_statements where name like 'continuum_%'",
    );
    assert.ok(names[0]!.n >= 1);
  } finally {
    await driver.close();
  }
});

Deno.test("COMMIT-2: a transaction of which a statement failed is not said to be committed", async () => {
  const driver = await postgres(postgresUrl()).open();
  await assert.rejects(
    driver.transaction(async (session) => {
      await session.query("select 1 / 0").catch(() => {});
    }, { isUsers: true }),
    /Cannot commit/,
  );
  assert.equal((await driver.query("select 1")).length, 1);
  await driver.close();
});
