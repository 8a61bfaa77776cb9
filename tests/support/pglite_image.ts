/**
 * Makes the files that tests start databases in memory from: an empty database, with one migrated
 * schema for {@linkcode SchemaPool}.
 *
 * @module
 */

import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { openStore } from "../../src/store/open.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { PRIMED_SCHEMA } from "./primed_pglite.ts";

/**
 * Makes the files.
 *
 * @param path Where, as one file.
 */
export async function writeImage(path: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "continuum_image_" });
  try {
    {
      await using store = await openStore({ database: pglite(folder), schema: PRIMED_SCHEMA });
      await store.migrate();
    }
    const pg = await PGlite.create(join(folder, "data"));
    const image = await pg.dumpDataDir("none");
    await pg.close();
    await Deno.writeFile(path, image.stream());
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
