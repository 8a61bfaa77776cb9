/**
 * One suite for all stores, in a plain schema and in one whose name needs quoting.
 *
 * @module
 */

import { forEachDatabase } from "../support/database.ts";
import { bulk } from "./conformance/bulk.ts";
import { forks } from "./conformance/forks.ts";
import { health } from "./conformance/health.ts";
import { journal } from "./conformance/journal.ts";
import { nodes } from "./conformance/nodes.ts";
import { reopenings } from "./conformance/reopening.ts";
import { runs } from "./conformance/runs.ts";
import { schema } from "./conformance/schema.ts";
import { traces } from "./conformance/traces.ts";
import { versions } from "./conformance/versions.ts";
import { versionUsage } from "./conformance/version_usage.ts";

for (const prefix of ["plain", 'Odd "Schema"']) {
  forEachDatabase(`store in a schema named like ${prefix}`, (database, test) => {
    const parts = [
      journal,
      runs,
      reopenings,
      forks,
      bulk,
      nodes,
      versions,
      versionUsage,
      health,
      traces,
      schema,
    ];
    for (const part of parts) part(database, test);
  }, `${prefix} `);
}
