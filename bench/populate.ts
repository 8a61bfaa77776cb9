/**
 * Fills a database as it may look after years: many runs in every state, many versions, and
 * everything else that pages show.
 *
 * @module
 */

import type { BenchDatabase } from "./databases.ts";
import { round } from "./measure.ts";

/** How much there is of what. */
export interface Population {
  /** Runs. */
  readonly runs: number;
  /** Versions, of 50 workflows. */
  readonly versions: number;
}

/** The hash of the version with a number: an SQL expression. */
const hash = (n: string) => `lpad(to_hex(${n}), 64, '0')`;

/** The digest of one of ten modules of a version, each of which several versions contain. */
const MEMBER = hash("1000001 + (n + part * 7) % 2000");

/** The hash of the version with a number. */
export function versionHash(n: number): string {
  return n.toString(16).padStart(64, "0");
}

/** Runs and schedules that the population has, by what they are for. */
export const KNOWN = {
  /** A tenth of all runs are its children. */
  parent: "r-1",
  /** A hundredth of all runs are its forks. */
  original: "r-2",
  /** It has continued as new very often. */
  generations: "r-3",
  /** It has the longest history. */
  history: "r-4",
} as const;

/** Events of the longest history, and generations of the run that has most. */
const LONG = 20_000;

/**
 * Adds versions and runs, and what belongs to them.
 *
 * Half of the runs are of the oldest version, three in ten of the newest 50, the others are spread
 * over two thirds of all. 12 in 100 have not ended, one in 200 has failed, one in 5,000 is parked or was cancelled,
 * and one in 500 is being executed. One in ten is in a namespace other than the default one.
 *
 * @param db The database; its schema exists.
 * @param population How much.
 * @returns How many seconds that took.
 */
export async function populate(db: BenchDatabase, population: Population): Promise<number> {
  const begun = performance.now();
  const sql = db.server?.session();
  if (sql === undefined) throw new Error("Cannot fill tables without a server");
  await sql.unsafe("set session_replication_role = replica"); // what rows refer to exists
  await sql.unsafe("set search_path = continuum");
  for (const text of [...versions(population), ...runs(population), ...rest(population)]) {
    await sql.unsafe(text);
  }
  await sql.unsafe("vacuum (analyze)");
  await sql.unsafe("checkpoint");
  await sql.end();
  return round((performance.now() - begun) / 1_000, 1);
}

function versions({ versions }: Population): string[] {
  return [
    `insert into workflow_versions (hash, workflow, manifest, archived, registered_at)
    select ${hash("n")}, 'w' || n % 50, (
        select string_agg('member ' || ${MEMBER} || ' ts ./' || repeat('folder/', 15) || part, chr(10))
        from generate_series(1, 10) as part
      ), n % 20 <> 0, clock_timestamp() - interval '400 days' + n * interval '1 minute'
    from generate_series(1, ${versions}) as n`,
    `insert into workflow_specifiers (hash, specifier, last_seen)
    select ${hash("n")}, 'app:' || n,
      case when n % 5 < 2 then '-infinity' else now() - interval '100 days' end
    from generate_series(1, ${versions}) as n`,
    `insert into workflow_specifiers (hash, specifier)
    select ${hash("n")}, 'https://app.example/' || n
    from generate_series(1, ${versions}, 10) as n`,
    `insert into workflows (name, current_hash)
    select workflow, max(hash) from workflow_versions group by workflow`,
    `insert into modules (sha256, bytes)
    select ${hash("n + 1000000")}, convert_to(repeat(md5(n::text), 150), 'UTF8')
    from generate_series(1, 2000) as n`,
    `insert into version_modules (hash, sha256)
    select ${hash("n")}, ${MEMBER}
    from generate_series(1, ${versions}) as n cross join generate_series(1, 10) as part
    where n % 20 <> 0`,
    `insert into denied (sha256, reason, denied_at)
    select ${hash("n * 97")}, 'a leak', now() from generate_series(1, 20) as n
    union all
    select ${hash("1000000 + n * 97")}, 'a leak', now() from generate_series(1, 3) as n`,
    `insert into nodes (id, name, started_at, expires_at, serves)
    select 'node-' || n, 'worker', now(), now() + interval '10 years',
      '{"queues":["default"],"activities":[]}'
    from generate_series(1, 20) as n`,
    `insert into version_loads (node, hash, state, reason)
    select 'node-' || node, ${hash("n")}, 'failed', '{"code":"UNTRUSTED","message":"m"}'
    from generate_series(1, 20) as node cross join generate_series(1, ${versions}, 100) as n
    where node <= 10 or n % 1000 = 1`,
  ];
}

function runs({ runs, versions }: Population): string[] {
  const used = Math.floor(versions * 2 / 3);
  return [
    `insert into runs (
      id, created_at, run_id, namespace, workflow, specifier_id, seed, input, attributes,
      parent, parent_close, depth, origin, fork_of,
      started_at, since, next_seq, state, node, token, wake_at, ended_at, result, error,
      stuck_reason, waits
    )
    overriding system value
    select n, now() - interval '365 days' + n * interval '365 days' / ${runs}, 'r-' || n,
      case
        when n % 10 > 0 then 'default' when n % 100 < 50 then 'blue' when n % 100 < 90 then 'green'
        else 'n' || n % 1000
      end,
      'w' || version % 50, version, 's', '1',
      case when n % 3 = 0 then jsonb_build_object(
        'customer', 'c-' || n % ${runs / 20},
        'tier', case when n % 99 = 0 then 'gold' when n % 2 = 0 then 'silver' else 'iron' end,
        'total', n % 1000
      ) else '{}' end,
      case when is_child then 1 when n % 20 = 1 and n > 20 then n / 5 end,
      case when is_child or n % 20 = 1 and n > 20 then 'abandon' end, 0,
      case when is_fork then 2 end, case when is_fork then '{}'::json end,
      now(), now() - n * interval '1 second', 1, state,
      case when state = 'running' then 'node-' || 1 + n % 20 end,
      case when state = 'running' then 7 end,
      case when state = 'suspended' and n % 2 = 0 then now() + interval '1 year' end,
      case when state in ('completed', 'failed', 'cancelled', 'terminated')
        then now() - interval '365 days' + (n + 1) * interval '365 days' / ${runs} end,
      case when state = 'completed' then '1'::json end,
      case when state in ('failed', 'cancelled', 'terminated') then '{}'::json end,
      case when state like 'stuck%' then '{"code":"c","message":"m"}'::json end,
      case when state = 'suspended' then '[]'::json end
    from (
      select n, n % 10 = 7 and n > 10 as is_child, n % 100 = 8 as is_fork,
        case
          when n % 10 < 5 then 1 when n % 10 < 8 then ${versions} - (n / 10) % 50
          else 1 + (n / 10) % ${used} + (n / 10) % ${used} / 2
        end as version,
        case
          when n % 10000 = 9 then 'stuck_poisoned' when n % 10000 = 1009 then 'stuck_nondeterminism'
          when n % 10000 = 2009 then 'cancelled' when n % 10000 = 3009 then 'terminated'
          when n % 200 = 5 then 'failed' when n % 500 = 6 then 'running'
          when n % 100 between 10 and 21 then 'suspended' else 'completed'
        end as state
      from generate_series(1, ${runs}) as n
    ) as made`,
    `insert into leases (node, runs)
    select node, array_agg(id) from runs where state = 'running' group by node, id % 10`,
  ];
}

function rest({ runs, versions }: Population): string[] {
  return [
    `insert into events (run, seq, at, kind, name, payload)
    select 4, n, now(), 'step.completed', 'step', '{"v":1}' from generate_series(0, ${LONG}) as n`,
    `update runs set next_seq = ${LONG} + 1 where id = 4`,
    `insert into events (run, seq, at, kind, name, payload)
    select n, 0, now(), 'step.completed', 'step', '{"v":1}'
    from generate_series(5, ${runs / 2}) as n`,
    `insert into generations (
      run, generation, first_seq, next_seq, specifier_id, seed, input, started_at, ended_at
    )
    select 3, n, n, n + 1, 1, 's', '1'::json, now(), now() from generate_series(0, ${LONG} - 1) as n
    union all
    select n, 0, 0, 1, 1 + n % ${versions}, 's', '1', now(), now()
    from generate_series(10, ${runs}, 100) as n`,
    `update runs set generation = ${LONG}, first_seq = ${LONG}, next_seq = ${LONG} + 1
    where id = 3`,
    `insert into tasks (
      run, position, generation, attempt, priority, available_at, scheduled_at, state, node, token,
      queue, name, input, failures
    )
    select n, 0, 0, case when n % 20 = 0 then 5 else 1 end, 0, now() - interval '5 minutes', now(),
      case when n % 50 = 0 then 'leased' else 'ready' end,
      case when n % 50 = 0 then 'node-' || 1 + n / 50 % 20 end,
      case when n % 50 = 0 then 7 end, 'q' || n % 20, 'charge', '1',
      case when n % 20 = 0 then '[{"error":{"message":"m"}}]'::json end
    from generate_series(1, ${runs / 20}) as n`,
    `insert into schedules (
      namespace, schedule_id, workflow, hash, specifier, input, rules, state, trouble, trouble_code,
      planned_at, fire_at
    )
    select case when n % 10 > 0 then 'default' else 'blue' end, 's-' || n, 'w' || n % 50,
      case when n % 5 = 0 then ${hash("n")} end, case when n % 5 = 0 then 'app:' || n end,
      '1', '{"timing":{"kind":"every","everyMs":3600000,"anchor":0},"overlap":"skip","catchUp":"last",
        "catchUpWindowMs":null,"jitterMs":0,"until":null,"maxRuns":null}', state, case when state = 'stuck' then '{}'::json end,
      case when state = 'stuck' then 'INVALID_INPUT' end,
      case when state <> 'done' then now() + interval '1 year' end,
      case when state = 'active' then now() + interval '1 year' end
    from generate_series(1, ${versions}) as n
    cross join lateral (select case
      when n % 100 = 1 then 'stuck' when n % 7 = 0 then 'done' when n % 11 = 0 then 'paused'
      else 'active'
    end as state) as kind`,
    `insert into schedule_runs (schedule, planned_at, manual, fired_at, run, run_id)
    select schedule.id, now() - n * interval '1 hour', false, now() - n * interval '1 hour', run.id,
      run.run_id
    from schedules as schedule cross join generate_series(1, 10) as n
    join runs as run on run.id = (schedule.id * 10 + n) % ${runs} + 1`,
    `insert into bulk_jobs (id, kind, namespace, created_at, plan, progress, ended_at)
    select 'j-' || n, 'upgrade', 'default', now() - n * interval '1 minute',
      '{"target":{"hash":"0","specifier":"a"},"workflow":"w1","where":null,"runs":null,"limit":null}',
      '{"after":null,"examined":9,"isThrough":true,"again":[],"counts":{}}', now()
    from generate_series(1, 1000) as n`,
    `insert into operations (at, actor, action, namespace, target, outcome)
    select now() - interval '1 year' + n * interval '1 second', 'ann',
      case when n % 10 = 0 and n < 500 then 'version.deny' else 'run.terminate' end,
      case when n % 10 = 0 and n < 500 then null when n % 100 = 1 and n < 500 then 'rare'
        else 'default' end, 'r-' || n, 'done'
    from generate_series(1, ${runs / 5}) as n`,
  ];
}
