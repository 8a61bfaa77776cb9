/**
 * Databases in memory, made fast: a process that wants many of them, as tests do, keeps the files of
 * an empty one, and starts the others from these. That takes a fourth of the time, and 40 MB.
 *
 * @module
 */

import { PGlite } from "@electric-sql/pglite";

let isKept = false;
let image: Blob | undefined;

/** From now on, this process keeps the files of an empty database. */
export function keepImage(): void {
  isKept = true;
}

/** Makes an empty database in memory. */
export async function createInMemory(): Promise<PGlite> {
  if (image !== undefined) return await PGlite.create({ loadDataDir: image });
  const pg = await PGlite.create();
  if (isKept) image = await pg.dumpDataDir("none");
  return pg;
}
