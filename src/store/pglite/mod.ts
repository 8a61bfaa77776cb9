/**
 * The adapter for PGlite: Postgres in this process, in a folder or in memory.
 *
 * - PGLITE-1, one owner: two processes that use one folder would corrupt it. A lock of the
 *   operating system on `<folder>/lock` prevents that; it ends with the process, even if that
 *   crashes. The database is in `<folder>/data`; nothing outside of the folder is written.
 *
 * ```ts
 * import { pglite } from "@continuum/continuum/pglite";
 *
 * const database = pglite("./data");
 * ```
 *
 * @module
 */

import { join, resolve } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import type { DatabaseAdapter } from "../sql/driver.ts";
import { databaseInUse } from "../errors.ts";
import { adapterOf, type Database } from "./driver.ts";
import { createInMemory } from "./image.ts";

/**
 * A database in this process. One adapter can be opened several times: all share the database. The
 * last one to close closes it, and a database in memory is then lost.
 *
 * @param folder The folder that contains it, relative to the working directory; `null`: in memory.
 * @returns A value for option `database`. Opening it throws {@linkcode DatabaseError} if the
 * folder is open already, through another adapter or in another process.
 */
export function pglite(folder: string | null): DatabaseAdapter {
  return folder === null
    ? adapterOf("memory:", openInMemory)
    : adapterOf(`pglite:${folder}`, () => openFolder(folder));
}

async function openInMemory(): Promise<Database> {
  const pg = await createInMemory();
  return { pg, close: () => pg.close() };
}

async function openFolder(folder: string): Promise<Database> {
  const path = resolve(folder);
  const lock = await lockFolder(path, folder);
  try {
    const pg = await PGlite.create(join(path, "data"));
    return { pg, close: () => pg.close().finally(() => unlock(lock)) };
  } catch (error) {
    unlock(lock);
    throw error;
  }
}

/** PGLITE-1: locks the folder. */
async function lockFolder(path: string, folder: string): Promise<Deno.FsFile> {
  await Deno.mkdir(path, { recursive: true });
  const file = await Deno.open(join(path, "lock"), { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw databaseInUse(folder);
}

/**
 * Unlocks the folder. Closing the file does not always: a process that was just being started may
 * have a copy of it until its program begins.
 */
function unlock(lock: Deno.FsFile): void {
  try {
    lock.unlockSync();
  } finally {
    lock.close();
  }
}
