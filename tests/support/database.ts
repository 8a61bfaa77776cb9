/**
 * Databases for tests: the same test on PGlite and on a real server, each time in a schema of its
 * own.
 *
 * @module
 */

import "./primed_hooks.ts";
import type { PayloadCodec } from "../../src/codec/mod.ts";
import type { Store } from "../../src/ports/store.ts";
import type { DatabaseAdapter, SqlDriver, SqlValue } from "../../src/store/sql/driver.ts";
import { openStore } from "../../src/store/open.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { isPrimed, PRIMED_SCHEMA } from "./primed_pglite.ts";
import { SchemaPool } from "./schema_pool.ts";

const PREFIX = "test_";

/** A kind of database. */
export interface DatabaseKind {
  /** For names of tests. */
  readonly name: "PGlite" | "Postgres";
  /** Gives a test a migrated schema without rows: a new one, or one that another test has had. */
  fresh(): Promise<EmptyDatabase>;
  /** Makes a new schema without tables. */
  empty(): Promise<EmptyDatabase>;
}

/** A schema of a database, for one test. Disposing of it closes what was opened here. */
export interface EmptyDatabase extends AsyncDisposable {
  /** What the `database` option takes. */
  readonly database: DatabaseAdapter;
  /** What the `schema` option takes. */
  readonly schema: string;
  /** Opens a store here, migrated. Each is its own as far as the others can tell. */
  open(codec?: PayloadCodec): Promise<Store>;
  /** Asks the database past the store; `{schema}` stands for the quoted schema. */
  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
}

/** Registers one test of a suite. */
export type RegisterTest = (name: string, test: () => Promise<void>) => void;

/**
 * Registers a suite for each kind of database. One PGlite serves the whole suite, since starting
 * one takes a second: there the tests are steps, and the sanitizers look at the suite as a whole,
 * because Postgres's idle timer outlives a step.
 *
 * @param suite What the tests are about.
 * @param register Called once for each kind, to register the tests.
 * @param prefix What the schemas' names begin with.
 */
export function forEachDatabase(
  suite: string,
  register: (database: DatabaseKind, test: RegisterTest) => void,
  prefix: string = PREFIX,
): void {
  const steps: { name: string; fn: () => Promise<void> }[] = [];
  let shared: DatabaseAdapter;
  let pool: SchemaPool;
  register(
    {
      name: "PGlite",
      fresh: () => pool.take(),
      empty: () => emptyDatabase(shared, newName(prefix)),
    },
    (name, fn) => steps.push({ name, fn }),
  );
  Deno.test(`${suite}, on PGlite`, async (test) => {
    shared = pglite(null);
    pool = new SchemaPool(shared, prefix, isPrimed && prefix === PREFIX ? [PRIMED_SCHEMA] : []);
    const keeper = await shared.open();
    for (const { name, fn } of steps) {
      await test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    }
    await keeper.close();
  });
  register(
    onServer(prefix),
    (name, fn) => Deno.test(`${suite}, on Postgres: ${name}`, fn),
  );
}

/** The server that tests use. */
export const POSTGRES: DatabaseKind = onServer(PREFIX);

function onServer(prefix: string): DatabaseKind {
  return {
    name: "Postgres",
    async fresh() {
      const pool = pools.get(prefix) ?? new SchemaPool(postgres(postgresUrl()), prefix);
      pools.set(prefix, pool);
      return await pool.take();
    },
    empty: () => emptyPostgres(newName(prefix)),
  };
}

/** The schemas on the server that tests of this isolate use, by their prefix. */
const pools = new Map<string, SchemaPool>();
Deno.test.afterAll(async () => {
  for (const pool of pools.values()) await pool.close();
});

/**
 * Makes an empty schema on the server that tests use.
 *
 * @param schema Its schema; a new one when omitted.
 */
export function emptyPostgres(schema?: string): Promise<EmptyDatabase> {
  return emptyDatabase(postgres(postgresUrl()), schema);
}

/** The server that tests use; its database is named, so that other roles find it too. */
export function postgresUrl(): string {
  const given = Deno.env.get("DATABASE_URL") ?? Deno.env.get("CONTINUUM_TEST_POSTGRES");
  if (given !== undefined) {
    const url = new URL(given);
    if (url.pathname.length <= 1) url.pathname = `/${url.username || "postgres"}`;
    return url.href;
  }
  throw new Error(
    "Cannot test on Postgres: no server is known, wanted DATABASE_URL or a run by deno task test",
  );
}

/** A name for a schema that no other test has. */
export function newName(prefix: string = PREFIX): string {
  return `${prefix}${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
}

/**
 * Makes an empty schema in a database. Disposing of it drops the schema.
 *
 * @param database Which one.
 * @param schema Its schema; a new one when omitted.
 */
export async function emptyDatabase(
  database: DatabaseAdapter,
  schema: string = newName(),
): Promise<EmptyDatabase> {
  const driver = await database.open();
  await dropSchema(driver, schema);
  return within(database, driver, schema, () => dropSchema(driver, schema));
}

/** Drops a schema with all that is in it, if there is one. */
export async function dropSchema(driver: SqlDriver, schema: string): Promise<void> {
  await driver.script(new SchemaName(schema).fill("drop schema if exists {schema} cascade"));
}

/**
 * Lends a test a schema.
 *
 * @param database Which database.
 * @param schema The schema.
 * @param end Called when the test has disposed of it, and what it opened is closed.
 */
export async function lentDatabase(
  database: DatabaseAdapter,
  schema: string,
  end: () => void | Promise<void>,
): Promise<EmptyDatabase> {
  return within(database, await database.open(), schema, end);
}

function within(
  database: DatabaseAdapter,
  driver: SqlDriver,
  schema: string,
  end: () => void | Promise<void>,
): EmptyDatabase {
  const filler = new SchemaName(schema);
  const stores: Store[] = [];
  return {
    database,
    schema,
    async open(codec) {
      const store = await openStore({ database, schema, codec });
      stores.push(store);
      await store.migrate();
      return store;
    },
    query: (text, values) => driver.query(filler.fill(text), values),
    async [Symbol.asyncDispose]() {
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
      await end();
      await driver.close();
    },
  };
}
