/**
 * Makes a store from the `database` option. An adapter is imported only if it is used, so a process
 * that uses one never loads the other.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import type { Store } from "../ports/store.ts";
import type { DatabaseAdapter } from "./sql/driver.ts";
import { isAdapter, storeOn, type StoreOptions } from "./on_adapter.ts";

/** The folder of the database that is used if the option is omitted. */
const DEFAULT_FOLDER = "./.continuum";

const WANTED = "postgres://user@host/name, pglite:./folder, memory: or an adapter";

/** Which database to open, and which schema. */
export interface OpenStoreOptions extends StoreOptions {
  /**
   * `postgres://...`, `pglite:./folder`, `memory:`, or an adapter. Default: `pglite:./.continuum`.
   */
  readonly database?: string | DatabaseAdapter | undefined;
}

/**
 * Opens a store. It does not access the schema before `migrate()`.
 *
 * @param options Which database to open, and which schema.
 * @returns The store; dispose of it to close the database.
 * @throws {InvalidArgumentError} (`DATABASE_OPTION`) If an option is invalid.
 * @throws {DatabaseError} (`DATABASE_IN_USE`) If the folder of a PGlite database is open already.
 */
export async function openStore(
  { database, ...options }: OpenStoreOptions = {},
): Promise<Store> {
  return await storeOn(isAdapter(database) ? database : () => adapterOf(database), options);
}

async function adapterOf(url: unknown): Promise<DatabaseAdapter> {
  if (url === undefined) return await pgliteAdapter(DEFAULT_FOLDER);
  if (typeof url !== "string") {
    return refuse("option database", url, WANTED, "DATABASE_OPTION");
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case "postgres":
    case "postgresql": {
      if (!URL.canParse(url)) break;
      const { postgres } = await import("./postgres/mod.ts");
      return postgres(url);
    }
    case "memory":
      if (url.length > "memory:".length) break;
      return await pgliteAdapter(null);
    case "pglite": {
      const folder = url.slice("pglite:".length);
      if (folder === "") break;
      return await pgliteAdapter(folder);
    }
  }
  return refuse("option database", url, WANTED, "DATABASE_OPTION");
}

async function pgliteAdapter(folder: string | null): Promise<DatabaseAdapter> {
  const { pglite } = await import("./pglite/mod.ts");
  return pglite(folder);
}
