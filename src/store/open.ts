/**
 * From the `database` option to a store. Adapters are imported only when they are asked for, so a
 * process that uses one never loads the other.
 *
 * @module
 */

import type { Store } from "../ports/store.ts";
import type { DatabaseAdapter } from "./sql/driver.ts";
import { DatabaseOptionError } from "./errors.ts";
import { shorten } from "../base/text.ts";
import { SchemaName } from "./schema/name.ts";
import { SqlStore } from "./sql_store.ts";

/** The folder of the database that is used when none is named. */
const DEFAULT_FOLDER = "./.continuum";

/** Which database, and where in it. */
export interface OpenStoreOptions {
  /**
   * `postgres://...`, `pglite:./folder`, `memory:`, or an adapter. Default: `pglite:./.continuum`.
   */
  readonly database?: string | DatabaseAdapter | undefined;
  /** The schema. Default: `continuum`. */
  readonly schema?: string | undefined;
}

/**
 * Opens a store. Its schema is not looked at before `migrate()`.
 *
 * @param options Which database, and where in it.
 * @returns The store; dispose of it to close the database.
 * @throws {DatabaseOptionError} If the options can't be understood.
 * @throws {DatabaseInUseError} If the folder of a PGlite database is open already.
 */
export async function openStore(options: OpenStoreOptions = {}): Promise<Store> {
  const schema = new SchemaName(options.schema ?? "continuum");
  const { database } = options;
  const adapter = isAdapter(database) ? database : await adapterOf(database);
  return new SqlStore(await adapter.open(), schema, adapter.description);
}

function isAdapter(database: unknown): database is DatabaseAdapter {
  return typeof database === "object" && database !== null && "open" in database &&
    typeof database.open === "function";
}

async function adapterOf(url: unknown): Promise<DatabaseAdapter> {
  if (url === undefined) return await pgliteAdapter(DEFAULT_FOLDER);
  if (typeof url !== "string") {
    throw notUnderstood(
      typeof url === "object" && url !== null ? "an object that is no adapter" : String(url),
    );
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
  throw notUnderstood(shorten(url, 300));
}

function notUnderstood(found: string): DatabaseOptionError {
  return new DatabaseOptionError(
    `Cannot open database: its URL is not understood, found ${JSON.stringify(found)}, ` +
      "wanted postgres://user@host/name, pglite:./folder or memory:",
    { database: found },
  );
}

async function pgliteAdapter(folder: string | null): Promise<DatabaseAdapter> {
  const { pglite } = await import("./pglite/mod.ts");
  return pglite(folder);
}
