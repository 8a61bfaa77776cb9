/**
 * Databases for tests: the same test on PGlite and on a real server, each time in a schema of its
 * own.
 *
 * @module
 */

import type { Store } from "../../src/ports/store.ts";
import type { DatabaseAdapter, SqlValue } from "../../src/store/driver.ts";
import { openStore } from "../../src/store/open.ts";
import { pglite } from "../../src/store/pglite.ts";
import { postgres } from "../../src/store/postgres.ts";
import { SchemaName } from "../../src/store/schema_name.ts";

/** A kind of database. */
export interface TestDatabase {
  /** For names of tests. */
  readonly name: "PGlite" | "Postgres";
  /**
   * Makes an empty place in it.
   *
   * @param schema Its schema; one that nobody has when omitted.
   */
  fresh(schema?: string): Promise<Place>;
}

/** A schema of one test's own. Disposing of it drops the schema and closes what it opened. */
export interface Place extends AsyncDisposable {
  /** What the `database` option takes. */
  readonly database: DatabaseAdapter;
  /** What the `schema` option takes. */
  readonly schema: string;
  /** Opens a store here, migrated. Each is its own as far as the others can tell. */
  open(): Promise<Store>;
  /** Asks the database past the store; `{schema}` stands for the quoted schema. */
  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
}

/**
 * Registers tests for each kind of database. One PGlite serves a whole test file, since starting
 * one takes a second; it is up before the first test, so that no test is blamed for its timers.
 *
 * @param register Called once for each.
 */
export async function forEachDatabase(register: (database: TestDatabase) => void): Promise<void> {
  inProcess ??= await startPglite();
  const shared = inProcess;
  register({ name: "PGlite", fresh: (schema) => freshPlace(shared, schema) });
  register({ name: "Postgres", fresh: (schema) => freshPlace(postgres(postgresUrl()), schema) });
}

/** The server that tests use. */
export function postgresUrl(): string {
  const url = Deno.env.get("DATABASE_URL") ?? Deno.env.get("CONTINUUM_TEST_POSTGRES");
  if (url !== undefined) return url;
  throw new Error(
    "Cannot test on Postgres: no server is known, wanted DATABASE_URL or a run by deno task test",
  );
}

let inProcess: DatabaseAdapter | null = null;

async function startPglite(): Promise<DatabaseAdapter> {
  const adapter = pglite(null);
  await adapter.open();
  return adapter;
}

async function freshPlace(database: DatabaseAdapter, name?: string): Promise<Place> {
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
