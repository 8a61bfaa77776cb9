/**
 * Damages the archive without the engine: changes one byte of every archived module, and restores
 * it.
 *
 * @module
 */

import { pglite } from "@continuum/continuum/pglite";
import { postgres } from "@continuum/continuum/postgres";

type Adapter = ReturnType<typeof pglite>;

/** A database, with a way past the engine. */
export interface Tamper {
  /** What `Continuum.open` takes. */
  readonly database: Adapter;
  /** Changes one byte of every archived module. */
  damage(): Promise<void>;
  /** Changes it back. */
  restore(): Promise<void>;
}

/**
 * Wraps a database so that the demo can damage its archive.
 *
 * @param url `postgres://...` or `pglite:./folder`.
 * @param schema Where the engine keeps its tables.
 */
export function tamper(url: string, schema: string): Tamper {
  const adapter = adapterOf(url);
  let driver: Awaited<ReturnType<Adapter["open"]>> | undefined;
  const shift = async (by: number) => {
    await driver?.query(
      `update ${schema}.modules set bytes = set_byte(bytes, 0, (get_byte(bytes, 0) + ${by}) % 256)`,
    );
  };
  return {
    database: {
      description: adapter.description,
      open: async () => driver = await adapter.open(),
    },
    damage: () => shift(1),
    restore: () => shift(255),
  };
}

/**
 * Leaves nothing of the demo behind.
 *
 * @param url The database.
 * @param schema What is dropped.
 */
export async function dropSchema(url: string, schema: string): Promise<void> {
  const driver = await adapterOf(url).open();
  await driver.script(`drop schema ${schema} cascade`);
  await driver.close();
}

function adapterOf(url: string): Adapter {
  return url.startsWith("pglite:") ? pglite(url.slice("pglite:".length)) : postgres(url);
}
