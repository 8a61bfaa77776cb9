/**
 * How long pages of runs and of versions take where there are many of both.
 *
 * @module
 */

import { Continuum } from "../mod.ts";
import type { BenchDatabase } from "./databases.ts";
import { round } from "./measure.ts";
import type { Measurement, Workload } from "./workload.ts";

const VERSIONS = 10_000;
const ROUNDS = 5;

/** The hash of the version with a number. */
const hash = (n: string) => `lpad(to_hex(${n}), 64, '0')`;

/** Milliseconds of a page of 50, or of a bounded count: the longest of several. */
export const PAGES: Workload = {
  name: "PAGES",
  on: ["postgres"],
  async measure(db, { rows }) {
    await using client = await Continuum.connect(db.options);
    const found: Measurement = { rows, versions: VERSIONS, fill_s: await fill(db, rows) };
    const oldest = "1".padStart(64, "0");
    const last = VERSIONS.toString(16).padStart(64, "0");
    const pages: Readonly<Record<string, () => Promise<unknown>>> = {
      newest: () => client.runs.query(),
      id_prefix: () => client.runs.query({ where: { id: { prefix: "r-7777" } } }),
      oldest_version: () => client.runs.query({ where: { version: oldest } }),
      newest_version: () => client.runs.query({ where: { version: last } }),
      failed: () => client.runs.query({ where: { state: "failed" } }),
      parked: () => client.runs.query({ where: { state: "parked" } }),
      live: () => client.runs.query({ where: { state: "live" } }),
      live_of_version: () => client.runs.query({ where: { state: "live", version: oldest } }),
      troubles: () => client.runs.troubles(),
      count: () => client.runs.count({ limit: 1_001 }),
      count_live: () => client.runs.count({ where: { state: "live" }, limit: 1_001 }),
      versions: () => client.versions.list(),
      versions_draining: () => client.versions.list({ state: "draining" }),
      versions_drained: () => client.versions.list({ state: "drained" }),
      versions_missing: () => client.versions.list({ state: "missing" }),
      versions_current: () => client.versions.list({ current: true }),
      version_by_hash: () => client.versions.list({ hash: oldest }),
    };
    for (const [name, page] of Object.entries(pages)) {
      let longest = 0;
      for (let i = 0; i < ROUNDS; i++) {
        const begun = performance.now();
        await page();
        longest = Math.max(longest, performance.now() - begun);
      }
      found[`${name}_ms`] = round(longest);
    }
    const times = Object.entries(found).filter(([name]) => name.endsWith("_ms"));
    found.longest_ms = Math.max(...times.map(([, ms]) => ms as number));
    return found;
  },
};

/**
 * Adds versions of 50 workflows and runs: half of the runs are of the oldest version, the others
 * spread over all. One in 100 waits, one in 1,000 has failed and one in 10,000 is parked.
 */
async function fill(db: BenchDatabase, rows: number): Promise<number> {
  const begun = performance.now();
  const sql = db.server?.session();
  if (sql === undefined) throw new Error("Cannot fill tables without a server");
  await sql.unsafe("set session_replication_role = replica");
  await sql.unsafe(`
    insert into continuum.workflow_versions (hash, workflow, manifest, archived, registered_at)
    select ${hash("n")}, 'w' || n % 50, 'm', false, clock_timestamp() + n * interval '1 second'
    from generate_series(1, ${VERSIONS}) as n`);
  await sql.unsafe(`
    insert into continuum.workflow_specifiers (hash, specifier)
    select ${hash("n")}, 'app:' || n from generate_series(1, ${VERSIONS}) as n`);
  await sql.unsafe(`
    insert into continuum.workflows (name, current_hash)
    select workflow, max(hash) from continuum.workflow_versions group by workflow`);
  await sql.unsafe(`
    insert into continuum.runs (
      created_at, run_id, workflow, specifier_id, seed, input, started_at, since, next_seq, state,
      ended_at, result, error, stuck_reason
    )
    select now() - interval '30 days' + n * interval '1 second', 'r-' || n, 'w' || pin.id % 50,
      pin.id, 's', '1', now(), now(), 1, kind.state,
      case when kind.state in ('completed', 'failed') then now() + n * interval '1 millisecond' end,
      case when kind.state = 'completed' then '1'::json end,
      case when kind.state = 'failed' then '{}'::json end,
      case when kind.state = 'stuck_poisoned' then '{"code":"c","message":"m"}'::json end
    from generate_series(1, ${rows}) as n
    cross join lateral (select case
      when n % 10000 = 9 then 'stuck_poisoned' when n % 1000 = 5 then 'failed'
      when n % 100 = 3 then 'suspended' else 'completed'
    end as state) as kind
    join continuum.workflow_specifiers as pin
      on pin.specifier = 'app:' || case when n < ${rows} / 2 then 1 else 1 + n % ${VERSIONS} end`);
  for (const table of ["runs", "workflow_versions", "workflow_specifiers", "workflows"]) {
    await sql.unsafe(`vacuum (analyze) continuum.${table}`);
  }
  await sql.unsafe("checkpoint");
  await sql.end();
  return round((performance.now() - begun) / 1_000, 1);
}
