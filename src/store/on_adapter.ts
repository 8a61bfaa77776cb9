/**
 * Makes a store on an adapter. It imports none, so a process that names one loads no other.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { LOGTAPE } from "../base/log.ts";
import type { PayloadCodec } from "../codec/codec.ts";
import type { Store } from "../ports/store.ts";
import type { DatabaseAdapter } from "./sql/driver.ts";
import { SchemaName } from "./schema/name.ts";
import { SqlStore } from "./sql_store.ts";

/** How a store uses its database. */
export interface StoreOptions {
  /** The schema. Default: `continuum`. */
  readonly schema?: string | undefined;
  /** Encodes and decodes values. Default: none. */
  readonly codec?: PayloadCodec | undefined;
  /** The engine's log. Default: LogTape. */
  readonly log?: AuthoredLog | undefined;
}

/**
 * Makes a store. It does not access the schema before `migrate()`.
 *
 * @param database The adapter, or what finds it; the schema's name is checked before.
 * @param options The schema and others.
 * @returns The store; dispose of it to close the database.
 * @throws {InvalidArgumentError} (`DATABASE_OPTION`) If an option is invalid.
 */
export async function storeOn(
  database: DatabaseAdapter | (() => Promise<DatabaseAdapter>),
  { schema = "continuum", codec, log = LOGTAPE.engine }: StoreOptions,
): Promise<Store> {
  const name = new SchemaName(schema);
  const adapter = typeof database === "function" ? await database() : database;
  const store = new SqlStore(await adapter.open({ log }), name, adapter.description);
  if (codec === undefined) return store;
  const { codedStore, Payloads } = await import("./coded/mod.ts");
  return codedStore(store, new Payloads(codec));
}

/** Whether a value is an adapter. */
export function isAdapter(database: unknown): database is DatabaseAdapter {
  return typeof database === "object" && database !== null && "open" in database &&
    typeof database.open === "function";
}
