/**
 * One suite for all stores, in a plain schema and in one whose name needs quoting.
 *
 * @module
 */

import { forEachDatabase } from "../support/database.ts";
import { conformance } from "./conformance/all.ts";

for (const prefix of ["plain", 'Odd "Schema"']) {
  forEachDatabase(`store in a schema named like ${prefix}`, conformance, `${prefix} `);
}
