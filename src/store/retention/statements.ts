/**
 * The statements of retention. See `src/store/retention/remove.ts` for the rules that they keep.
 *
 * @module
 */

import { inNamespace } from "../runs/query_statements.ts";
import type { SchemaName } from "../schema/name.ts";
import { milliseconds, timestamp } from "../sql/fragments.ts";

/**
 * REMOVAL-1: a parent that may ask for the run again, or for its end. One that rests between two attempts
 * has started nothing in its present generation.
 */
export const AWAITED: string = `coalesce((
  select parent.ended_at is null and run.created_at >= parent.started_at
  from {schema}.runs as parent where parent.id = run.parent
), false)`;

/** The cheap conditions stand first: they are looked at in that order. */
const ENDS = `
  run.ended_at is not null and run.ended_at <= ${timestamp("$3::float8")}
  and run.state = any($4::text[]) and ($2::text is null or run.workflow = $2)
  and not run.must_notify and not ${AWAITED}`;

/** Generations are over in the order of their numbers: the first tells for all. */
const SHEDS = `
  run.generation > 0 and ($2::text is null or run.workflow = $2)
  and (
    select earlier.ended_at from {schema}.generations as earlier
    where earlier.run = run.id order by earlier.generation limit 1
  ) <= ${timestamp("$5::float8")}`;

/**
 * Walks along the index on creation for at most $8 rows, or until $9 are found: rows come as they
 * are read. The last row of a full walk comes, too, and says how far it went.
 */
const plan = (namespace: string) => `
  select seen.id, ${milliseconds("seen.created_at")} as at, seen.nth::integer as nth,
    coalesce(seen.ends, false) as ends,
    coalesce(sheds.generations, 0)::integer as generations,
    (coalesce(sheds.events, 0) +
      case when seen.ends then seen.next_seq - seen.first_seq else 0 end)::integer as events,
    (
      select count(*) from {schema}.idempotency_keys as key
      where seen.ends and key.run_id = seen.run_id and key.namespace = $1
    )::integer as keys
  from (
    select run.id, run.run_id, run.created_at, run.first_seq, run.next_seq,
      row_number() over (order by run.created_at, run.id) as nth,
      ${ENDS} as ends,
      ${SHEDS} as sheds
    from {schema}.runs as run
    where ${inNamespace("$1", namespace)}
      and run.created_at <= greatest(${timestamp("$3::float8")}, ${timestamp("$5::float8")})
      and (run.created_at, run.id) > (${timestamp("$6::float8")}, $7::bigint)
    order by run.created_at, run.id
    limit $8::integer
  ) as seen
  left join lateral (
    select count(*) as generations, sum(earlier.next_seq - earlier.first_seq) as events
    from {schema}.generations as earlier
    where earlier.run = seen.id
      and (seen.ends or seen.sheds and earlier.ended_at <= ${timestamp("$5::float8")})
  ) as sheds on seen.ends or seen.sheds
  where seen.ends or seen.sheds or seen.nth = $8::integer
  order by seen.created_at, seen.id
  limit $9::integer`;

/** REMOVAL-3: the parameter is what the lock is called; null: none is wanted. */
function alone(lock: string): string {
  return `alone as materialized (
    select case
      when ${lock}::text is null then true
      else pg_try_advisory_xact_lock(hashtextextended(${lock}, 0))
    end as mine
  )`;
}

/** What refers to a run by a foreign key goes by that; arrays are looked up in an index. */
const REMOVE = `
  with ${alone("$3")},
  doomed as materialized (
    select run.id, run.run_id from {schema}.runs as run
    where run.id = any($1::bigint[]) and run.namespace = $2
      and run.ended_at is not null and not run.must_notify and (select mine from alone)
    order by run.id for update skip locked
  ),
  histories as (
    delete from {schema}.events where run = any(array(select id from doomed))
  ),
  leftover as (
    delete from {schema}.tasks where run = any(array(select id from doomed))
  ),
  keys as (
    delete from {schema}.idempotency_keys
    where run_id = any(array(select run_id from doomed)) and namespace = $2
  ),
  gone as (
    delete from {schema}.runs where id = any(array(select id from doomed)) returning id
  )
  select (select mine from alone) as mine,
    (select coalesce(json_agg(id), '[]') from gone)::text as gone`;

/** REMOVAL-2: whole generations, the first first. */
const SHED = `
  with ${alone("$5")},
  listed as materialized (
    select earlier.run, earlier.generation, earlier.first_seq, earlier.next_seq
    from {schema}.generations as earlier
    where earlier.run = any($1::bigint[])
      and ($2::float8 is null or earlier.ended_at <= ${timestamp("$2::float8")})
      and (select mine from alone)
    order by earlier.run, earlier.generation limit $3::integer
    for update skip locked
  ),
  summed as (
    select listed.*, sum(next_seq - first_seq) over (order by run, generation) as total from listed
  ),
  doomed as materialized (
    select * from summed where total - (next_seq - first_seq) < $4::integer
  ),
  histories as (
    delete from {schema}.events as event using doomed
    where event.run = doomed.run and event.seq >= doomed.first_seq and event.seq < doomed.next_seq
  ),
  gone as (
    delete from {schema}.generations as earlier using doomed
    where earlier.run = doomed.run and earlier.generation = doomed.generation
  )
  select (select mine from alone) as mine, count(*)::integer as generations,
    coalesce(sum(next_seq - first_seq), 0)::integer as events
  from doomed`;

/** Rows that are locked stay where they are: their places find them again. */
const RESULTS = `
  with ${alone("$5")},
  doomed as materialized (
    select stored.ctid from {schema}.activity_results as stored
    where stored.namespace = $1 and ($2::text is null or stored.name = $2)
      and stored.stored_at <= ${timestamp("$3::float8")} and (select mine from alone)
    order by stored.stored_at limit $4::integer for update skip locked
  ),
  gone as (
    delete from {schema}.activity_results where ctid = any(array(select ctid from doomed))
    returning 1
  )
  select (select mine from alone) as mine, count(*)::integer as results from gone`;

const COUNT_RESULTS = `
  select true as mine, count(*)::integer as results from {schema}.activity_results as stored
  where stored.namespace = $1 and ($2::text is null or stored.name = $2)
    and stored.stored_at <= ${timestamp("$3::float8")}`;

/** From each namespace to the next: as many look-ups as there are namespaces. */
const NAMESPACES = `
  with recursive found as (
    (select namespace from {schema}.runs where namespace <> 'default' order by namespace limit 1)
    union all
    select (
      select run.namespace from {schema}.runs as run
      where run.namespace > found.namespace and run.namespace <> 'default'
      order by run.namespace limit 1
    ) from found where found.namespace is not null
  )
  select namespace from found where namespace is not null
  union all
  select 'default' where exists (select from {schema}.runs where namespace = 'default')`;

/**
 * The statements of retention in a schema.
 *
 * @param schema Where the tables are.
 * @returns The statements.
 */
export function retentionStatements(
  schema: SchemaName,
): Record<
  "plan" | "planDefault" | "remove" | "shed" | "results" | "countResults" | "namespaces",
  string
> {
  return schema.fillAll({
    plan: plan("another"),
    planDefault: plan("default"),
    remove: REMOVE,
    shed: SHED,
    results: RESULTS,
    countResults: COUNT_RESULTS,
    namespaces: NAMESPACES,
  });
}
