/**
 * Makes a store from the `database` option. An adapter is imported only if it is used, so a process
 * that uses one never loads the other.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { LOGTAPE } from "../base/log.ts";
import { refuse } from "../base/arguments.ts";
import type { PayloadCodec } from "../codec/codec.ts";
import type { Store } from "../ports/store.ts";
import type { DatabaseAdapter } from "./sql/driver.ts";
import { SchemaName } from "./schema/name.ts";
import { SqlStore } from "./sql_store.ts";

/** The folder of the database that is used if the option is omitted. */
const DEFAULT_FOLDER = "./.continuum";

const WANTED = "postgres://user@host/name, pglite:./folder, memory: or an adapter";

/** Which database to open, and which schema. */
export interface OpenStoreOptions {
  /**
   * `postgres://...`, `pglite:./folder`, `memory:`, or an adapter. Default: `pglite:./.continuum`.
   */
  readonly database?: string | DatabaseAdapter | undefined;
  /** The schema. Default: `continuum`. */
  readonly schema?: string | undefined;
  /** Encodes and decodes values. Default: none. */
  readonly codec?: PayloadCodec | undefined;
  /** The engine's log. Default: LogTape. */
  readonly log?: AuthoredLog | undefined;
}

/**
 * Opens a store. It does not access the schema before `migrate()`.
 *
 * @param options Which database to open, and which schema.
 * @returns The store; dispose of it to close the database.
 * @throws {InvalidArgumentError} (`DATABASE_OPTION`) If an option is invalid.
 * @throws {DatabaseError} (`DATABASE_IN_USE`) If the folder of a PGlite database is open already.
 */
export async function openStore(options: OpenStoreOptions = {}): Promise<Store> {
  const schema = new SchemaName(options.schema ?? "continuum");
  const { database, codec, log = LOGTAPE.engine } = options;
  const adapter = isAdapter(database) ? database : await adapterOf(database);
  const store = new SqlStore(await adapter.open({ log }), schema, adapter.description);
  if (codec === undefined) return store;
  const { codedStore, Payloads } = await import("./coded/mod.ts");
  return codedStore(store, new Payloads(codec));
}

function isAdapter(database: unknown): database is DatabaseAdapter {
  return typeof database === "object" && database !== null && "open" in database &&
    typeof database.open === "function";
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
