/**
 * Schemas that tests use one after the other: to empty one costs 5 ms, to make one a hundred times
 * as much.
 *
 * @module
 */

import { openStore } from "../../src/store/open.ts";
import { SchemaName } from "../../src/store/schema/name.ts";
import type { DatabaseAdapter } from "../../src/store/sql/driver.ts";
import { dropSchema, type EmptyDatabase, lentDatabase, newName } from "./database.ts";

/** What changes a schema, so that the next test must not have it. */
const CHANGES_SCHEMA = /\b(alter|comment|create|drop|grant|reindex|revoke|schema_versions)\b/i;

/** How long what a test left behind may hold a lock on its tables. */
const PATIENCE = "20s";

/** Migrated schemas of one database that no test uses now. */
export class SchemaPool {
  readonly #database: DatabaseAdapter;
  readonly #prefix: string;
  readonly #unused: string[];
  /** Schemas that something else has migrated, maybe before a migration was changed. */
  readonly #found: Set<string>;

  /**
   * Makes a pool.
   *
   * @param database Where they are.
   * @param prefix What the names of new ones begin with.
   * @param unused Schemas that are there already.
   */
  constructor(database: DatabaseAdapter, prefix: string, unused: readonly string[] = []) {
    this.#database = database;
    this.#prefix = prefix;
    this.#unused = [...unused];
    this.#found = new Set(unused);
  }

  /**
   * Takes a migrated schema without rows, for one test. Disposing of it gives it back, unless the test
   * has changed it.
   */
  async take(): Promise<EmptyDatabase> {
    for (let name = this.#unused.pop(); name !== undefined; name = this.#unused.pop()) {
      if (await this.#empty(name) && await this.#isOfNow(name)) return await this.#lend(name);
      await this.#drop(name);
    }
    const name = newName(this.#prefix);
    await using store = await openStore({ database: this.#database, schema: name });
    await store.migrate();
    return await this.#lend(name);
  }

  /** Drops those that no test uses. */
  async close(): Promise<void> {
    for (const name of this.#unused.splice(0)) await this.#drop(name);
  }

  async #lend(name: string): Promise<EmptyDatabase> {
    let isChanged = false;
    const { query, ...db } = await lentDatabase(
      this.#database,
      name,
      () => isChanged ? this.#drop(name) : void this.#unused.push(name),
    );
    return {
      ...db,
      query: (text, values) => {
        isChanged ||= CHANGES_SCHEMA.test(text);
        return query(text, values);
      },
    };
  }

  /** Whether a schema has the migrations of now. */
  async #isOfNow(name: string): Promise<boolean> {
    if (!this.#found.delete(name)) return true;
    await using store = await openStore({ database: this.#database, schema: name });
    return await store.migrate().then(() => true, () => false);
  }

  /** Deletes all rows. False: something has kept a lock for too long, or a table is missing. */
  async #empty(name: string): Promise<boolean> {
    const driver = await this.#database.open();
    try {
      const filler = new SchemaName(name);
      await driver.script(filler.fill(EMPTY));
      return true;
    } catch {
      return false;
    } finally {
      await driver.close();
    }
  }

  async #drop(name: string): Promise<void> {
    const driver = await this.#database.open();
    try {
      await dropSchema(driver, name);
    } finally {
      await driver.close();
    }
  }
}

/**
 * The lock waits for what a killed process has left under way. One statement deletes from all tables,
 * since their foreign keys are checked at its end.
 */
const EMPTY = `
  do $$
  declare
    space constant regnamespace := to_regnamespace('{schema}');
    tables constant text[] := array(
      select format('%I.%I', space::name, relname) from pg_class
      where relnamespace = space and relkind in ('r', 'p') and relname <> 'schema_versions');
  begin
    perform set_config('lock_timeout', '${PATIENCE}', true);
    execute 'lock table ' || array_to_string(tables, ', ') || ' in access exclusive mode';
    execute (
      select 'with ' || string_agg(format('d%s as (delete from %s)', n, each), ', ') || ' select 1'
      from unnest(tables) with ordinality as found (each, n));
    perform setval(oid::regclass, 1, false) from pg_class
    where relnamespace = space and relkind = 'S';
  end $$`;
