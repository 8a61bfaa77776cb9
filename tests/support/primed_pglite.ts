/**
 * Tests start databases in memory from the files of an empty one, which takes a quarter of the
 * time. `deno task test` makes these files, once for all.
 *
 * @module
 */

import { startFrom } from "../../src/store/pglite/image.ts";

/** Names the file, for the tests of a whole run. */
export const IMAGE = "CONTINUUM_TEST_PGLITE";

/** Such a database has this schema, migrated. */
export const PRIMED_SCHEMA = "test_primed";

const path = Deno.env.get(IMAGE);

/** Whether databases in memory are started from the files. */
export const isPrimed: boolean = path !== undefined;

if (path !== undefined) {
  let files: Promise<Blob> | undefined; // read once, and only by tests that need a database
  startFrom(() => files ??= Deno.readFile(path).then((bytes) => new Blob([bytes])));
}
