/**
 * All parts of the suite that every store passes.
 *
 * @module
 */

import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import { asks } from "./asks.ts";
import { awaits } from "./awaits.ts";
import { bulk } from "./bulk.ts";
import { forks } from "./forks.ts";
import { health } from "./health.ts";
import { journal } from "./journal.ts";
import { nodes } from "./nodes.ts";
import { reopenings } from "./reopening.ts";
import { runs } from "./runs.ts";
import { schema } from "./schema.ts";
import { signatures } from "./signatures.ts";
import { traces } from "./traces.ts";
import { versions } from "./versions.ts";
import { versionUsage } from "./version_usage.ts";

/** All parts. */
export const PARTS = [
  journal,
  runs,
  asks,
  awaits,
  reopenings,
  forks,
  bulk,
  nodes,
  versions,
  versionUsage,
  signatures,
  health,
  traces,
  schema,
];

/** The parts whose statements have values of every type, transactions and hints. */
export const DRIVER_PARTS = [journal, nodes, traces, schema];

/**
 * Registers the whole suite.
 *
 * @param database Where it runs.
 * @param test Registers one test.
 */
export function conformance(database: DatabaseKind, test: RegisterTest): void {
  for (const part of PARTS) part(database, test);
}
