/**
 * The statements of retention. See `src/store/retention/remove.ts` for the invariants.
 *
 * @module
 */

import type { Pruned } from "../../ports/retention.ts";
import type { RunState } from "../../ports/rows.ts";
import { inNamespace } from "../runs/conditions.ts";
import { milliseconds, timestamp } from "../sql/fragments.ts";
import { BIGINTS, nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";

/** A run that goes, or that loses generations; the last of a full walk may be neither. */
export interface PlannedRun extends Pick<Pruned, "generations" | "events" | "keys"> {
  /** The run's key. */
  readonly id: number;
  /** When it was created. */
  readonly at: number;
  /** How many were read until it came. */
  readonly nth: number;
  /** Whether the run itself goes. */
  readonly ends: boolean;
}

/** One run that is to be removed. */
export interface FoundRun extends PlannedRun {
  /** Its state. */
  readonly state: RunState;
  /** Whether it has ended. */
  readonly ended: boolean;
  /** Whether its parent or its children have not been notified of its end. */
  readonly unsettled: boolean;
  /** The id of the parent that may request it once more; `null`: no parent may. */
  readonly awaitedBy: string | null;
}

interface Removed {
  readonly mine: boolean;
  readonly gone: string;
}

interface Shed extends Pick<Pruned, "generations" | "events"> {
  readonly mine: boolean;
}

interface Forgotten {
  readonly mine: boolean;
  readonly results: number;
}

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
  run.ended_at is not null and run.ended_at <= ${timestamp("$runsBefore::float8")}
  and run.state = any($states::text[]) and ($workflow::text is null or run.workflow = $workflow)
  and not run.must_notify and not ${AWAITED}`;

/** Generations are over in the order of their numbers: the first tells for all. */
const SHEDS = `
  run.generation > 0 and ($workflow::text is null or run.workflow = $workflow)
  and (
    select earlier.ended_at from {schema}.generations as earlier
    where earlier.run = run.id order by earlier.generation limit 1
  ) <= ${timestamp("$generationsBefore::float8")}`;

/**
 * Walks along the index on creation for at most `$mostSeen` rows, or until it has found `$limit`:
 * rows come as they are read. The last row of a full walk is returned, too, and says how far the
 * walk went.
 */
const plan = (namespace: string) => `
  select seen.id, ${milliseconds("seen.created_at")} as at, seen.nth::integer as nth,
    coalesce(seen.ends, false) as ends,
    coalesce(sheds.generations, 0)::integer as generations,
    (coalesce(sheds.events, 0) +
      case when seen.ends then seen.next_seq - seen.first_seq else 0 end)::integer as events,
    (
      select count(*) from {schema}.idempotency_keys as key
      where seen.ends and key.run_id = seen.run_id and key.namespace = $namespace
    )::integer as keys
  from (
    select run.id, run.run_id, run.created_at, run.first_seq, run.next_seq,
      row_number() over (order by run.created_at, run.id) as nth,
      ${ENDS} as ends,
      ${SHEDS} as sheds
    from {schema}.runs as run
    where ${inNamespace("$namespace", namespace)}
      and run.created_at <= greatest(${timestamp("$runsBefore::float8")}, ${
  timestamp("$generationsBefore::float8")
})
      and (run.created_at, run.id) > (${timestamp("$fromAt::float8")}, $fromId::bigint)
    order by run.created_at, run.id
    limit $mostSeen::integer
  ) as seen
  left join lateral (
    select count(*) as generations, sum(earlier.next_seq - earlier.first_seq) as events
    from {schema}.generations as earlier
    where earlier.run = seen.id
      and (seen.ends or seen.sheds and earlier.ended_at <= ${
  timestamp("$generationsBefore::float8")
})
  ) as sheds on seen.ends or seen.sheds
  where seen.ends or seen.sheds or seen.nth = $mostSeen::integer
  order by seen.created_at, seen.id
  limit $limit::integer`;

/** REMOVAL-3: takes the lock that `$lock` names; none if it is null. */
const ALONE = `alone as materialized (
    select case
      when $lock::text is null then true
      else pg_try_advisory_xact_lock(hashtextextended($lock, 0))
    end as mine
  )`;

/** Where a step looks, and how far. */
const PLAN = {
  namespace: TEXT,
  workflow: nullable(TEXT),
  runsBefore: nullable(NUMBER),
  states: TEXTS,
  generationsBefore: nullable(NUMBER),
  fromAt: NUMBER,
  fromId: NUMBER,
  mostSeen: NUMBER,
  limit: NUMBER,
};

/** The results of activities that retention removes. */
const OLD_RESULTS = { namespace: TEXT, name: nullable(TEXT), before: NUMBER };

const LOCK = { lock: nullable(TEXT) };

/**
 * Removes ended runs. Rows that refer to a run by a foreign key go with it; arrays are looked up in
 * an index. A run that gives up its id meanwhile (INSERT-4) stays for the next step: this statement
 * sees its keys under the id that it had before.
 *
 * @param lock How the rows of the runs are locked.
 */
const remove = (lock: string) =>
  statement(
    { ids: BIGINTS, namespace: TEXT, ...LOCK },
    rows<Removed>(),
    `
  with ${ALONE},
  listed as materialized (
    select run.id, run.run_id from {schema}.runs as run where run.id = any($ids::bigint[])
  ),
  doomed as materialized (
    select run.id, run.run_id from listed join {schema}.runs as run using (id, run_id)
    where run.namespace = $namespace
      and run.ended_at is not null and not run.must_notify and (select mine from alone)
      and not (run.has_children and exists (
        select from {schema}.places as place where place.run = run.id and place.state = 'over'
      ))
    order by run.id for update of run${lock}
  ),
  histories as (
    delete from {schema}.events where run = any(array(select id from doomed))
  ),
  leftover as (
    delete from {schema}.tasks where run = any(array(select id from doomed))
  ),
  awaiting as (
    delete from {schema}.awaits where run = any(array(select id from doomed))
  ),
  keys as (
    delete from {schema}.idempotency_keys
    where run_id = any(array(select run_id from doomed)) and namespace = $namespace
  ),
  gone as (
    delete from {schema}.runs where id = any(array(select id from doomed)) returning id
  )
  select (select mine from alone) as mine,
    (select coalesce(json_agg(id), '[]') from gone)::text as gone`,
  );

/** The statements of retention. */
export const RETENTION_STATEMENTS = {
  plan: statement(PLAN, rows<PlannedRun>(), plan("another")),
  planDefault: statement(PLAN, rows<PlannedRun>(), plan("default")),

  remove: remove(" skip locked"),
  removeOne: remove(""),

  find: statement(
    { runId: TEXT, namespace: TEXT },
    rows<FoundRun>(),
    `
  select run.id, ${milliseconds("run.created_at")} as at, 1 as nth, true as ends, run.state,
    run.ended_at is not null as ended, run.must_notify or exists (
      select from {schema}.places as place where place.run = run.id and place.state = 'over'
    ) as unsettled,
    case when ${AWAITED} then (
      select parent.run_id from {schema}.runs as parent where parent.id = run.parent
    ) end as "awaitedBy",
    coalesce(earlier.generations, 0)::integer as generations,
    (coalesce(earlier.events, 0) + run.next_seq - run.first_seq)::integer as events,
    (
      select count(*) from {schema}.idempotency_keys as key
      where key.run_id = run.run_id and key.namespace = run.namespace
    )::integer as keys
  from {schema}.runs as run
  cross join lateral (
    select count(*) as generations, sum(before.next_seq - before.first_seq) as events
    from {schema}.generations as before where before.run = run.id
  ) as earlier
  where run.run_id = $runId and run.namespace = $namespace`,
  ),

  // REMOVAL-2: whole generations, in the order of their numbers; the latest published values stay.
  shed: statement(
    {
      ids: BIGINTS,
      before: nullable(NUMBER),
      mostGenerations: NUMBER,
      mostEvents: NUMBER,
      ...LOCK,
    },
    rows<Shed>(),
    `
  with ${ALONE},
  listed as materialized (
    select earlier.run, earlier.generation, earlier.first_seq, earlier.next_seq
    from {schema}.generations as earlier
    where earlier.run = any($ids::bigint[])
      and ($before::float8 is null or earlier.ended_at <= ${timestamp("$before::float8")})
      and (select mine from alone)
    order by earlier.run, earlier.generation limit $mostGenerations::integer
    for update skip locked
  ),
  summed as (
    select listed.*, sum(next_seq - first_seq) over (order by run, generation) as total from listed
  ),
  doomed as materialized (
    select * from summed where total - (next_seq - first_seq) < $mostEvents::integer
  ),
  histories as (
    delete from {schema}.events as event using doomed
    where event.run = doomed.run and event.seq >= doomed.first_seq and event.seq < doomed.next_seq
      and (event.kind <> 'value.published' or exists (
        select from {schema}.events as later
        where later.run = event.run and later.name = event.name and later.seq > event.seq
          and later.kind = 'value.published'
      ))
  ),
  gone as (
    delete from {schema}.generations as earlier using doomed
    where earlier.run = doomed.run and earlier.generation = doomed.generation
  )
  select (select mine from alone) as mine, count(*)::integer as generations,
    coalesce(sum(next_seq - first_seq), 0)::integer as events
  from doomed`,
  ),

  // Rows that are locked stay; `ctid` finds the others again.
  results: statement(
    { ...OLD_RESULTS, limit: NUMBER, ...LOCK },
    rows<Forgotten>(),
    `
  with ${ALONE},
  doomed as materialized (
    select stored.ctid from {schema}.activity_results as stored
    where stored.namespace = $namespace and ($name::text is null or stored.name = $name)
      and stored.stored_at <= ${timestamp("$before::float8")} and (select mine from alone)
    order by stored.stored_at limit $limit::integer for update skip locked
  ),
  gone as (
    delete from {schema}.activity_results where ctid = any(array(select ctid from doomed))
    returning 1
  )
  select (select mine from alone) as mine, count(*)::integer as results from gone`,
  ),

  countResults: statement(
    OLD_RESULTS,
    rows<Forgotten>(),
    `
  select true as mine, count(*)::integer as results from {schema}.activity_results as stored
  where stored.namespace = $namespace and ($name::text is null or stored.name = $name)
    and stored.stored_at <= ${timestamp("$before::float8")}`,
  ),

  // From each namespace to the next: as many look-ups as there are namespaces.
  namespaces: statement(
    {},
    rows<{ readonly namespace: string }>(),
    `
  with recursive of_runs as (
    (select namespace from {schema}.runs where namespace <> 'default' order by namespace limit 1)
    union all
    select (
      select run.namespace from {schema}.runs as run
      where run.namespace > of_runs.namespace and run.namespace <> 'default'
      order by run.namespace limit 1
    ) from of_runs where of_runs.namespace is not null
  ),
  of_schedules as (
    (select namespace from {schema}.schedules order by namespace limit 1)
    union all
    select (
      select schedule.namespace from {schema}.schedules as schedule
      where schedule.namespace > of_schedules.namespace order by schedule.namespace limit 1
    ) from of_schedules where of_schedules.namespace is not null
  )
  select namespace from of_runs where namespace is not null
  union
  select namespace from of_schedules where namespace is not null
  union
  select 'default' where exists (select from {schema}.runs where namespace = 'default')`,
  ),
};
