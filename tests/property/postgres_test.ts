/**
 * Random workflows on Postgres, where several nodes share them.
 *
 * @module
 */

import { virtualPostgres } from "../support/virtual_database.ts";
import { COLD, CROWDED, EXPIRED, LOSSY, RESIDENT } from "./execution_modes.ts";
import { assertProperty, executeAndCheck } from "./property.ts";
import { countOf } from "../support/thoroughness.ts";

for (const mode of [RESIDENT, COLD, CROWDED, EXPIRED, LOSSY]) {
  Deno.test(`random workflows are executed as promised by two nodes: ${mode.name}`, async () => {
    await assertProperty(countOf(80), virtualPostgres, async (open, scenarios) => {
      await executeAndCheck(open, scenarios, { ...mode, nodes: 2 });
    });
  });
}
