/**
 * Tests start databases in memory from the files of an empty one, which takes a quarter of the
 * time. `deno task test` makes these files, once for all.
 *
 * @module
 */

import { makeImage, startFrom } from "../../src/store/pglite/image.ts";

/** Names the file, for the tests of a whole run. */
export const IMAGE = "CONTINUUM_TEST_PGLITE";

/**
 * Makes the file.
 *
 * @param path Where.
 */
export async function writeImage(path: string): Promise<void> {
  await Deno.writeFile(path, (await makeImage()).stream());
}

const path = Deno.env.get(IMAGE);
if (path !== undefined) startFrom(new Blob([await Deno.readFile(path)]));
