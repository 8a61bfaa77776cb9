/**
 * A database in memory whose clock is moved by hand.
 *
 * - VIRTUAL-1: the functions `clock_timestamp()` and `now()` of the schema `public` precede those
 *   of Postgres in the search path, and return the time that was last set in the session. So
 *   statements and column defaults read virtual time without a change.
 *
 * @module
 */

import type { DatabaseAdapter, SqlDriver, SqlSession, SqlValue } from "../store/sql/driver.ts";
import { openStore } from "../store/open.ts";
import { adapterOf } from "../store/pglite/driver.ts";
import { Image } from "../store/pglite/image.ts";
import type { IdleTracker } from "./idle_tracker.ts";

/** VIRTUAL-1 */
const SETUP = `
  create function public.clock_timestamp() returns timestamptz language sql volatile
    as $$ select current_setting('continuum.now')::timestamptz $$;
  create function public.now() returns timestamptz language sql stable
    as $$ select current_setting('continuum.now')::timestamptz $$;`;

const IN_SESSION = "set search_path = public, pg_catalog";
const SET_TIME = "select set_config('continuum.now', $1, false)";

/** Engines begin with migrated databases. */
const image = new Image(async (database) => {
  const driver = await database.open();
  await driver.script(SETUP);
  await beginSession(driver, 0);
  await using store = await openStore({ database });
  await store.migrate();
  await driver.close();
});

async function beginSession(driver: SqlDriver, now: number): Promise<void> {
  await driver.script(IN_SESSION);
  await driver.query(SET_TIME, [new Date(now).toISOString()]);
}

/** A database in memory, for one engine. */
export class TestDatabase implements AsyncDisposable {
  readonly #driver: SqlDriver;
  readonly #idleTracker: IdleTracker;

  private constructor(driver: SqlDriver, idleTracker: IdleTracker) {
    this.#driver = driver;
    this.#idleTracker = idleTracker;
  }

  /**
   * Starts a migrated database without rows.
   *
   * @param now Its time, in milliseconds since the epoch.
   * @param busy Counts its statements.
   */
  static async open(now: number, idleTracker: IdleTracker): Promise<TestDatabase> {
    const adapter = adapterOf("a database for tests", async () => {
      const pg = await image.create();
      return { pg, close: () => pg.close() };
    });
    const driver = await adapter.open();
    await beginSession(driver, now);
    return new TestDatabase(driver, idleTracker);
  }

  /** The adapter for a store, which closes the database. */
  get adapter(): DatabaseAdapter {
    return {
      description: "a database for tests",
      open: () => Promise.resolve(watched(this.#driver, this.#idleTracker)),
    };
  }

  /** Sets its clock. */
  async setTime(at: number): Promise<void> {
    await this.query(SET_TIME, [new Date(at).toISOString()]);
  }

  /** Runs one statement. */
  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]> {
    return this.#idleTracker.during("work", () => this.#driver.query<Row>(text, values));
  }

  /** Closes the database, if no store has done so. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#driver.close();
  }
}

/** A driver whose statements are counted. */
export function watched(driver: SqlDriver, idleTracker: IdleTracker): SqlDriver {
  return {
    exclusive: driver.exclusive,
    ...session(driver, idleTracker),
    impatient: session(driver, idleTracker),
    transaction: (work, options) =>
      idleTracker.during("work", () => driver.transaction(work, options)),
    listen: driver.listen!.bind(driver),
    close: () => driver.close(),
  };
}

function session(inner: SqlSession, idleTracker: IdleTracker): SqlSession {
  return {
    query: (text, values) => idleTracker.during("work", () => inner.query(text, values)) as never,
    script: (text) => idleTracker.during("work", () => inner.script(text)),
  };
}
