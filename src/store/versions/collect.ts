/**
 * Removes old versions: first the bytes of their modules, when nothing that lives needs them, then
 * their rows, when nothing refers to them.
 *
 * - COLLECT-1, what pins a version wins: all rows of a version are locked, without waiting, and the
 *   version is examined again by a statement that begins after that. A transaction that has pinned
 *   something to it holds one of the rows until it commits (PIN-1), so it is either seen or left
 *   alone. The foreign keys would refuse what this overlooked.
 * - COLLECT-2, shared modules stay: bytes go only when no version refers to them, by a statement of
 *   its own that the foreign key of `version_modules` stands behind. So a collection that is
 *   interrupted leaves whole versions, and modules that the next one removes.
 * - COLLECT-3, grace: modules that were written within the last day stay. A registration that finds
 *   modules stored, and loses them before it refers to them, fails by the foreign key and is
 *   repeated (CATALOG-4).
 * - COLLECT-4, who vouches stays: a node may execute a version that came only as part of another one
 *   because a version registered in its own right contains it (TRUST-6). That one's row stays for as
 *   long as the part's.
 * - PIN-1, no run without bytes: whatever pins a run or a schedule to a version, or makes it current,
 *   first locks a row of its specifiers as a foreign key does, and is refused if the version's bytes
 *   were removed. Registering the version again lifts that.
 *
 * @module
 */

import type {
  CollectionPlace,
  CollectionScope,
  CollectionStore,
  CollectionVerdict,
  RemovedModules,
} from "../../ports/collection.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { isForeignKeyViolation } from "../sql/sqlstate.ts";
import type { Prepared } from "../sql/statement.ts";
import { COLLECT_STATEMENTS } from "./collect_statements.ts";

/** Each repetition follows the commit of a registration that refers to a module of the batch. */
const MAX_TRIES = 20;

/** {@linkcode CollectionStore} in SQL. */
export class Collection implements CollectionStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof COLLECT_STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(COLLECT_STATEMENTS);
  }

  /** See {@linkcode CollectionStore.plan}. */
  async plan(
    scope: CollectionScope,
    after: CollectionPlace | null,
    limit: number,
  ): Promise<CollectionVerdict[]> {
    const place = { afterAt: after?.registeredAt ?? null, afterHash: after?.hash ?? "" };
    return await this.#sql.plan.query(this.#driver, { ...scope, ...place, limit });
  }

  /** See {@linkcode CollectionStore.vouching}. */
  async vouching(hashes: readonly string[]): Promise<string[]> {
    if (hashes.length === 0) return [];
    return (await this.#sql.vouching.query(this.#driver, { hashes })).map(({ hash }) => hash);
  }

  /** See {@linkcode CollectionStore.weigh}. */
  async weigh(hashes: readonly string[]): Promise<RemovedModules> {
    const [row] = await this.#sql.weigh.query(this.#driver, { hashes });
    return row!;
  }

  /** See {@linkcode CollectionStore.remove}. */
  async remove(scope: CollectionScope, hashes: readonly string[]): Promise<CollectionVerdict[]> {
    return await this.#driver.transaction(async (session) => {
      const { lockVersions, lockSpecifiers, remove } = this.#sql; // COLLECT-1
      const held = await lockVersions.query(session, { hashes });
      const free = await lockSpecifiers.query(session, { hashes: held.map(({ hash }) => hash) });
      return await remove.query(session, { ...scope, hashes: free.map(({ hash }) => hash) });
    });
  }

  /** See {@linkcode CollectionStore.sweep}. */
  async sweep(
    after: string,
    limit: number,
  ): Promise<RemovedModules & { readonly next: string | null }> {
    for (let tries = 1;; tries++) {
      try {
        const [row] = await this.#sql.sweep.query(this.#driver, { after, limit });
        const { modules, bytes, last } = row!;
        return { modules, bytes, next: modules < limit ? null : last };
      } catch (error) {
        if (!isForeignKeyViolation(error) || tries === MAX_TRIES) throw error;
      }
    }
  }
}
