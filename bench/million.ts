/**
 * Fills the table of runs with suspended ones, by SQL.
 *
 * @module
 */

import { round } from "./measure.ts";
import type { BenchDatabase } from "./databases.ts";

/**
 * Adds suspended runs: half of them wait for a signal, half for a time within the next year.
 * Nothing is left for autovacuum to do.
 *
 * @param db The database; its schema exists, and holds a version.
 * @param rows How many.
 * @returns How many seconds that took.
 */
export async function millionRows(db: BenchDatabase, rows: number): Promise<number> {
  const begun = performance.now();
  const sql = db.server?.session();
  if (sql === undefined) throw new Error("Cannot fill a table without a server");
  await sql.unsafe("set session_replication_role = replica"); // the version exists
  await sql.unsafe(`
    insert into continuum.runs (
      next_seq, wake_at, started_at, since, state, run_id, workflow, specifier_id, seed, input,
      waits
    )
    select 1,
      case when n % 2 = 0 then clock_timestamp() + interval '1 day' + n * interval '30 seconds' end,
      clock_timestamp(), clock_timestamp(), 'suspended', gen_random_uuid()::text,
      code.workflow, code.id, 'seed',
      json_build_object('i', n, 'n', 10, 'park', true),
      '[{"kind":"signal","name":"go","position":0,"until":null}]'
    from generate_series(1, ${rows}) as n
    cross join (
      select workflow, id from continuum.workflow_versions
      join continuum.workflow_specifiers using (hash) limit 1
    ) as code (workflow, id)`);
  await sql.unsafe("vacuum (analyze) continuum.runs");
  await sql.unsafe("checkpoint");
  await sql.end();
  return round((performance.now() - begun) / 1000, 1);
}
