/**
 * Makes the files that tests start databases in memory from: an empty database, with one migrated
 * schema for {@linkcode SchemaPool}.
 *
 * @module
 */

import { openStore } from "../../src/store/open.ts";
import { Image } from "../../src/store/pglite/image.ts";
import { PRIMED_SCHEMA } from "./primed_pglite.ts";

/**
 * Makes the files.
 *
 * @param path Where, as one file.
 */
export async function writeImage(path: string): Promise<void> {
  const image = new Image(async (database) => {
    await using store = await openStore({ database, schema: PRIMED_SCHEMA });
    await store.migrate();
  });
  await Deno.writeFile(path, (await image.files()).stream());
}
