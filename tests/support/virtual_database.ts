/**
 * Databases whose time is virtual, of every kind: a node on one skips the time that it would wait.
 *
 * @module
 */

import type {
  DatabaseAdapter,
  SqlDriver,
  SqlSession,
  SqlValue,
} from "../../src/store/sql/driver.ts";
import { openStore } from "../../src/store/open.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import { IdleTracker } from "../../src/testing/idle_tracker.ts";
import { POLL_MS, VirtualClock } from "../../src/testing/clock.ts";
import { TestDatabase, watched } from "../../src/testing/database.ts";
import { TestTime } from "../../src/testing/time.ts";
import type { EmptyDatabase } from "./database.ts";
import { postgresUrl } from "./database.ts";
import type { NodeOptions } from "./node.ts";

/** When time begins there. */
export const BEGINNING: number = Date.parse("2030-01-01T00:00:00Z");

/** An empty database whose time is moved by hand. */
export interface VirtualDatabase extends EmptyDatabase {
  /** The clock of processes; the database's says the same. */
  readonly clock: VirtualClock;
  /** Moves it. */
  readonly time: TestTime;
  /** What a node there is opened with: it looks at everything whenever time moves. */
  readonly node: NodeOptions;
}

/** Stands between a store and its database. */
export type Wrap = (driver: SqlDriver, schema: string) => SqlDriver;

/** A virtual database on a PGlite of its own. */
export async function virtualPglite(wrap: Wrap = (driver) => driver): Promise<VirtualDatabase> {
  const idleTracker = new IdleTracker();
  const database = await TestDatabase.open(BEGINNING, idleTracker);
  const { adapter: inner } = database;
  const adapter = {
    description: inner.description,
    open: async () => wrap(await inner.open(), "continuum"),
  };
  return virtualDatabase(adapter, "continuum", idleTracker, {
    setTime: (at) => database.setTime(at),
    query: (text, values) => database.query(text, values),
    close: () => database[Symbol.asyncDispose](),
  });
}

/** A virtual database on the server that tests use, in schemas of its own. */
export async function virtualPostgres(wrap: Wrap = (driver) => driver): Promise<VirtualDatabase> {
  const idleTracker = new IdleTracker();
  const schema = `virtual_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const clock = `${schema}_clock`;
  const keeper = await postgres(postgresUrl()).open();
  // As in src/testing/database.ts (VIRTUAL-1), but that sessions come and go, and look for names where
  // the store wants them to: a table holds the time, and statements ask it by its full name.
  await keeper.script(`
    create schema ${clock};
    create unlogged table ${clock}.clock (at timestamptz not null);
    insert into ${clock}.clock values ('${new Date(BEGINNING).toISOString()}');
    create function ${clock}.clock_timestamp() returns timestamptz language sql volatile
      as $$ select at from ${clock}.clock $$;
    create function ${clock}.now() returns timestamptz language sql stable
      as $$ select at from ${clock}.clock $$;`);
  const database = postgres(postgresUrl());
  const adapter: DatabaseAdapter = {
    description: "a database in virtual time",
    open: async () => wrap(watched(timedBy(clock, await database.open()), idleTracker), schema),
  };
  return virtualDatabase(adapter, schema, idleTracker, {
    setTime: async (at) => {
      await keeper.query(`update ${clock}.clock set at = $1`, [new Date(at).toISOString()]);
    },
    query: (text, values) => keeper.query(text, values),
    close: async () => {
      await keeper.script(`drop schema if exists ${schema}, ${clock} cascade`);
      await keeper.close();
    },
  });
}

/** A driver whose statements ask the clock of a schema for the time. */
function timedBy(schema: string, driver: SqlDriver): SqlDriver {
  const timed = (text: string) =>
    text.replace(/(?<![.\w])(?:clock_timestamp|now)\(\)/g, `${schema}.$&`);
  const session = (inner: SqlSession): SqlSession => ({
    query: (text, values) => inner.query(timed(text), values),
    script: (text) => inner.script(timed(text)),
  });
  return {
    ...session(driver),
    exclusive: driver.exclusive,
    impatient: session(driver.impatient),
    transaction: (work, options) =>
      driver.transaction((inner) => work({ ...inner, ...session(inner) }), options),
    listen: driver.listen!.bind(driver),
    close: () => driver.close(),
  };
}

function virtualDatabase(
  database: DatabaseAdapter,
  schema: string,
  idleTracker: IdleTracker,
  { setTime, query, close }:
    & { readonly setTime: (at: number) => Promise<void> }
    & Pick<SqlDriver, "query" | "close">,
): VirtualDatabase {
  const clock = new VirtualClock(BEGINNING);
  const filler = new SchemaName(schema);
  const stores: AsyncDisposable[] = [];
  return {
    database,
    schema,
    clock,
    time: new TestTime(clock, idleTracker, setTime),
    node: { clock, leaseMs: 3 * POLL_MS, probeMs: POLL_MS },
    async open() {
      const store = await openStore({ database, schema });
      stores.push(store);
      await store.migrate();
      return store;
    },
    query: <Row>(text: string, values?: readonly SqlValue[]) =>
      query<Row>(filler.fill(text), values),
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store[Symbol.asyncDispose]();
      await close();
    },
  };
}
