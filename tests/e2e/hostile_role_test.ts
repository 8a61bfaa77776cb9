/**
 * A node and a client whose role, database and search path are as hostile as an administrator can
 * make them, without meaning to: everything works all the same.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import type { SqlDriver } from "../../src/store/sql/driver.ts";
import { newName, postgresUrl } from "../support/database.ts";
import {
  EVERYTHING,
  everythingIn,
  finishEverything,
  ROWS_OF_A_RUN,
  startEverything,
} from "../support/everything.ts";
import { makeFolder } from "../support/modules.ts";
import { BRISK, eventually, resultOf } from "../support/runs.ts";

/**
 * What a role may be given with `alter role ... set`, where the server knows it. Not JIT: it compiles
 * a transaction of a workflow for seconds if plans have no methods left.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  jit: "off",
  array_nulls: "off",
  backslash_quote: "off",
  bytea_output: "escape",
  client_encoding: "LATIN1",
  client_min_messages: "debug1",
  DateStyle: "SQL, DMY",
  debug_parallel_query: "on",
  default_transaction_deferrable: "on",
  escape_string_warning: "on",
  exit_on_error: "on",
  extra_float_digits: "-15",
  force_parallel_mode: "on",
  from_collapse_limit: "1",
  gin_fuzzy_search_limit: "1",
  idle_in_transaction_session_timeout: "5s",
  idle_session_timeout: "500",
  IntervalStyle: "sql_standard",
  join_collapse_limit: "1",
  lock_timeout: "1",
  plan_cache_mode: "force_custom_plan",
  quote_all_identifiers: "on",
  row_security: "off",
  standard_conforming_strings: "off",
  statement_timeout: "5s",
  temp_buffers: "100",
  TimeZone: "Pacific/Chatham",
  transaction_timeout: "5s",
  transform_null_equals: "on",
  work_mem: "64",
  xmlbinary: "hex",
  xmloption: "document",
};

const PLANS = [
  ...["bitmapscan", "hashagg", "hashjoin", "indexonlyscan", "indexscan", "mergejoin", "nestloop"],
  ...["seqscan", "sort", "tidscan", "material", "memoize", "gathermerge", "incremental_sort"],
];

/** Names that the engine's statements use, in a schema that its role looks into first. */
const SHADOWS = `
  create function now() returns timestamptz language sql as 'select timestamptz ''1970-01-01''';
  create function clock_timestamp() returns timestamptz language sql as 'select timestamptz ''1970-01-01''';
  create function to_json(text) returns json language sql as 'select null::json';
  create function gen_random_uuid() returns uuid language sql as 'select null::uuid';
  create function greatest_of(text) returns text language sql as 'select null';
  create function equal(text, text) returns boolean language sql as 'select false';
  create operator = (leftarg = text, rightarg = text, function = equal);
  create function plus(integer, integer) returns integer language sql as 'select 0';
  create operator + (leftarg = integer, rightarg = integer, function = plus);
  create domain text as pg_catalog.text check (false);
  create domain bigint as pg_catalog.int8 check (false);
  create view pg_class as select 1 as nothing;
  create view pg_stat_activity as select 1 as nothing;
  create table runs (nothing pg_catalog.text);
  create table events (nothing pg_catalog.text);`;

interface Place {
  readonly url: URL;
  readonly database: string;
  readonly schema: string;
  readonly role: string;
  /** Asks as one who may do everything. */
  readonly admin: SqlDriver;
}

/** A database and a role of the test's own. */
async function makePlace(options: string): Promise<(Place & AsyncDisposable) | null> {
  await using stack = new AsyncDisposableStack();
  const name = newName("hostile_");
  const server = await postgres(postgresUrl()).open();
  stack.defer(() => server.close());
  try {
    await server.query(`create database ${name} template template0 ${options}`);
  } catch (error) {
    if (/ICU|locale|collation/i.test((error as Error).message)) return null;
    throw error;
  }
  stack.defer(async () => {
    await server.query(`drop database ${name} with (force)`);
    await server.query(`drop role if exists ${name}`);
  });
  await server.query(`create role ${name} login password 'secret'`);
  const url = Object.assign(new URL(postgresUrl()), { pathname: `/${name}` });
  const admin = await postgres(url.href).open();
  stack.defer(() => admin.close());
  const schema = `Ünfit "schema"`;
  await admin.script(`
    create schema "Ünfit ""schema""" authorization ${name};
    create schema evil authorization ${name};
    create table public.booked (run text, at timestamptz, said text);
    grant all on public.booked to ${name};`);
  Object.assign(url, { username: name, password: "secret" });
  const kept = stack.move();
  return {
    ...{ url, database: name, schema, role: name, admin },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Lets a node and a client do everything, and looks at what they wrote. */
async function doEverything({ url, schema, admin }: Place): Promise<void> {
  await using folder = await makeFolder(EVERYTHING);
  const shared = { database: url.href, schema };
  await using node = await Continuum.open({
    ...BRISK,
    ...shared,
    workflows: everythingIn(folder.url),
    queues: { mail: {} },
  });
  await using client = await Continuum.connect(shared);
  const before = Date.now();
  const ids = ["one", "Zoë's", "漢字"];
  await startEverything(client, "public.booked", ids);
  await finishEverything(client, ids);
  const rows = await admin.query<{ run: string; off: number }>(
    `select run, extract(epoch from at)::float8 * 1000 - $1 as off from public.booked order by at`,
    [before],
  );
  assert.equal(rows.length, ids.length * ROWS_OF_A_RUN);
  for (const { off } of rows) assert.ok(off > -60_000 && off < 3_600_000, `${off} ms`);
  const { startedAt, endedAt } = await client.run("one").status();
  assert.ok(startedAt! <= endedAt! && Math.abs(startedAt!.getTime() - before) < 3_600_000);
  await client.schedules.create({
    ...{
      id: "hourly",
      workflow: "leaf",
      input: "x",
      cron: "0 * * * *",
      timeZone: "Asia/Kathmandu",
    },
  });
  const fired = await client.schedules.trigger("hourly");
  assert.equal(await fired!.result(), "x");
  const { findings } = await node.health();
  assert.deepEqual(findings.filter(({ severe }) => severe), []);
}

Deno.test("SESSION-1: a node and a client do everything under every setting that a role can have", async () => {
  await using place = (await makePlace("encoding 'UTF8'"))!;
  const { admin, role } = place;
  const wanted = {
    ...SETTINGS,
    ...Object.fromEntries(PLANS.map((plan) => [`enable_${plan}`, "off"])),
  };
  const known = await admin.query<{ name: string }>("select name from pg_settings");
  const names = new Set(known.map(({ name }) => name));
  const set = Object.entries(wanted).filter(([name]) => names.has(name));
  assert.ok(set.length > 35, `${set.length} settings`);
  for (const [name, value] of set) await admin.query(`alter role ${role} set ${name} = '${value}'`);
  await doEverything(place);
});

Deno.test("SESSION-1: names in a schema that the role looks into first change nothing", async () => {
  await using place = (await makePlace("encoding 'UTF8'"))!;
  const { admin, role } = place;
  await admin.script(
    `set search_path = evil, pg_catalog; ${SHADOWS}; set search_path = pg_catalog`,
  );
  await admin.query(`alter role ${role} set search_path = evil, pg_catalog`);
  await doEverything(place);
});

Deno.test("OWNSETTINGS-1: a start in a caller's transaction means the same under its settings, and leaves them as they are", async () => {
  await using place = (await makePlace("encoding 'UTF8'"))!;
  const { admin, url, schema } = place;
  await admin.script(
    `set search_path = evil, pg_catalog; ${SHADOWS}; set search_path = pg_catalog`,
  );
  await doEverything(place);
  await using client = await Continuum.connect({ database: url.href, schema });
  const own = await postgres(url.href).open();
  try {
    const settings = { search_path: "evil, pg_catalog", array_nulls: "off" };
    await own.transaction(async (transaction) => {
      for (const [name, value] of Object.entries(settings)) {
        await transaction.query(`set local ${name} = ${value}`);
      }
      await client.startMany("leaf", [
        { input: "a", runId: "keyed", idempotencyKey: "k" },
        { input: "b", runId: "plain" },
        { input: "c", runId: "one" }, // there is one
      ], { transaction, ifExists: "useEnded" });
      for (const [name, value] of Object.entries(settings)) {
        const [row] = await transaction.query(
          `select pg_catalog.current_setting('${name}') as value`,
        );
        assert.deepEqual({ ...row as object }, { value });
      }
    });
    const keys = await admin.query<{ run: string; key: string | null }>(
      `select run.run_id as run, key.key from "Ünfit ""schema""".runs as run
       left join "Ünfit ""schema""".idempotency_keys as key on key.run_id = run.run_id
       where run.run_id in ('keyed', 'plain') order by 1`,
    );
    assert.deepEqual(keys.map((row) => ({ ...row })), [
      { run: "keyed", key: "k" },
      { run: "plain", key: null },
    ]);
  } finally {
    await own.close();
  }
});

/** Runs into one limit of its role after the other. */
const LIMITED = `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "limited" }, async (ctx) => {
  await ctx.transaction("book", async (tx, { attempt }) => {
    await tx.query("insert into public.booked (run, said) values ($1, $2)", [ctx.runId, String(attempt)]);
    if (attempt === 1) await tx.query("select pg_sleep(60)");
    if (attempt === 2) await tx.query("select from public.held for update");
    if (attempt === 3) await (globalThis as any).limitedForTest();
  }, { retry: { initial: 1, maxAttempts: 4 } });
});
`;

Deno.test("limits of a role on statements, locks and idle transactions fail an attempt of a transaction, and nothing else", async () => {
  await using place = (await makePlace("encoding 'UTF8'"))!;
  const { admin, role, url, schema } = place;
  const limits = {
    statement_timeout: "1s",
    lock_timeout: "200ms",
    idle_in_transaction_session_timeout: "300ms",
  };
  for (const [name, value] of Object.entries(limits)) {
    await admin.query(`alter role ${role} set ${name} = '${value}'`);
  }
  await admin.script(`
    create table public.held as select 1 as n; grant all on public.held to ${role}`);
  Object.assign(globalThis, {
    limitedForTest: () =>
      eventually(
        async () => {
          const idle = await admin.query(
            `select from pg_stat_activity where usename = $1 and state like 'idle in transaction%'`,
            [role],
          );
          return idle.length === 0 || undefined;
        },
        () => "end of the session",
      ),
  });
  await using folder = await makeFolder({ "limited.ts": LIMITED });
  await using node = await Continuum.open({
    ...BRISK,
    ...{ database: url.href, schema, workflows: [folder.url + "limited.ts"] },
  });
  const run = await admin.transaction(async (session) => {
    await session.query("select from public.held for update");
    const run = await node.start("limited");
    await resultOf(run);
    return run;
  });
  const rows = await admin.query("select said from public.booked");
  assert.deepEqual(rows.map((row) => ({ ...row as object })), [{ said: "4" }]);
  const events = await run.history();
  assert.deepEqual(
    events.map(({ kind }) => kind),
    [...Array.from({ length: 3 }, () => "attempt.failed"), "transaction.completed"],
  );
  assert.deepEqual((await node.health()).findings.filter(({ severe }) => severe), []);
});

for (const level of ["read uncommitted", "read committed", "repeatable read", "serializable"]) {
  Deno.test(`a node, a client and their callers' transactions work where ${level} is the default`, async () => {
    await using place = (await makePlace("encoding 'UTF8'"))!;
    await place.admin.query(
      `alter role ${place.role} set default_transaction_isolation = '${level}'`,
    );
    await doEverything(place);
    const { url, schema } = place;
    await using client = await Continuum.connect({ database: url.href, schema });
    const own = await postgres(url.href).open();
    try {
      await own.transaction(async (transaction) => {
        await transaction.query(`set transaction isolation level ${level}`);
        await client.start("leaf", "within", { transaction, runId: level });
      });
      assert.equal((await client.run(level).status()).state, "pending");
    } finally {
      await own.close();
    }
  });
}

const DATABASES: Readonly<Record<string, string>> = {
  "an encoding that knows no text (SQL_ASCII)": "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'",
  "the rules of Turkish": "encoding 'UTF8' locale_provider icu icu_locale 'tr-TR' locale 'C'",
  "an order that looks at no accents":
    "encoding 'UTF8' locale_provider icu icu_locale 'und-u-ks-level1-ka-shifted' locale 'C'",
};

for (const [what, options] of Object.entries(DATABASES)) {
  Deno.test(`a node and a client do everything in a database with ${what}`, async () => {
    await using place = await makePlace(options);
    if (place !== null) await doEverything(place); // otherwise this server knows no such rules
  });
}
