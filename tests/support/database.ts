/**
 * Databases for tests: the same test on PGlite and on a real server, each time in a schema of its
 * own.
 *
 * @module
 */

import "./primed_hooks.ts";
import "./primed_pglite.ts";
import type { Store } from "../../src/ports/store.ts";
import type { DatabaseAdapter, SqlValue } from "../../src/store/sql/driver.ts";
import { openStore } from "../../src/store/open.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { SchemaName } from "../../src/store/schema/name.ts";

/** A kind of database. */
export interface DatabaseKind {
  /** For names of tests. */
  readonly name: "PGlite" | "Postgres";
  /**
   * Makes an empty schema in it.
   *
   * @param schema Its schema; a new one when omitted.
   */
  fresh(schema?: string): Promise<EmptyDatabase>;
}

/** An empty schema of a database, for one test. Disposing of it drops the schema and closes what it opened. */
export interface EmptyDatabase extends AsyncDisposable {
  /** What the `database` option takes. */
  readonly database: DatabaseAdapter;
  /** What the `schema` option takes. */
  readonly schema: string;
  /** Opens a store here, migrated. Each is its own as far as the others can tell. */
  open(): Promise<Store>;
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
 */
export function forEachDatabase(
  suite: string,
  register: (database: DatabaseKind, test: RegisterTest) => void,
): void {
  const steps: { name: string; fn: () => Promise<void> }[] = [];
  let shared: DatabaseAdapter;
  register(
    { name: "PGlite", fresh: (schema) => emptyDatabase(shared, schema) },
    (name, fn) => steps.push({ name, fn }),
  );
  Deno.test(`${suite}, on PGlite`, async (test) => {
    shared = pglite(null);
    const keeper = await shared.open();
    for (const { name, fn } of steps) {
      await test.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
    }
    await keeper.close();
  });
  register(
    { name: "Postgres", fresh: emptyPostgres },
    (name, fn) => Deno.test(`${suite}, on Postgres: ${name}`, fn),
  );
}

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

/**
 * Makes an empty schema in a database.
 *
 * @param database Which one.
 * @param name Its schema; a new one when omitted.
 */
export async function emptyDatabase(
  database: DatabaseAdapter,
  name?: string,
): Promise<EmptyDatabase> {
  const schema = name ?? `test_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const filler = new SchemaName(schema);
  const driver = await database.open();
  const stores: Store[] = [];
  const drop = () => driver.script(filler.fill("drop schema if exists {schema} cascade"));
  await drop();
  return {
    database,
    schema,
    async open() {
      const store = await openStore({ database, schema });
      stores.push(store);
      await store.migrate();
      return store;
    },
    query: (text, values) => driver.query(filler.fill(text), values),
    async [Symbol.asyncDispose]() {
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
      await drop();
      await driver.close();
    },
  };
}
