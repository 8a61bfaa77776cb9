/**
 * One suite for all stores, in a plain schema and in one whose name needs quoting.
 *
 * @module
 */

import { forEachDatabase, type TestDatabase } from "../support/database.ts";
import { journal } from "./conformance/journal.ts";

for (const schema of ["plain", 'Odd "Schema"']) {
  forEachDatabase(`store in a schema named like ${schema}`, (database, test) => {
    let count = 0;
    const named: TestDatabase = {
      name: database.name,
      fresh: () => database.fresh(`${schema} ${Deno.pid} ${count++}`),
    };
    journal(named, test);
  });
}
