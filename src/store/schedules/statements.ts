/**
 * The statements on schedules. See `src/store/schedules/schedule_store.ts` for the rules that they
 * keep.
 *
 * @module
 */

import type { SchemaName } from "../schema/name.ts";
import { CLOCK, milliseconds, timestamp } from "../sql/fragments.ts";

/** Runs that a row is read with, and that are kept after they have ended. */
const RECENT_RUNS = 10;
const KEPT_RUNS = 50;

const CREATE = `
  insert into {schema}.schedules (
    namespace, schedule_id, workflow, hash, specifier, input, attributes, rules, policy, state,
    trouble, planned_at, fire_at, trouble_code, trouble_version
  )
  values (
    $1, $2, $3, $4, $5, $6::text::json, $7::text::jsonb, $8::text::json, $9::text::jsonb, $10,
    $11::text::json, ${timestamp("$12::bigint")}, ${timestamp("$13::bigint")},
    $14, $15
  )
  on conflict (schedule_id, namespace) do nothing
  returning id`;

const LOCK = `
  select id from {schema}.schedules where schedule_id = $1 and namespace = $2 for update`;

/** The clock stands in a sub-select: read once, it can bound the scan of the index. */
const LOCK_DUE = `
  select id from {schema}.schedules where fire_at <= (select clock_timestamp())
  order by fire_at limit $1::integer for update skip locked`;

const LOCK_ONE_DUE = `
  select id from {schema}.schedules
  where id = $1::bigint and fire_at <= (select clock_timestamp()) for update skip locked`;

/** Runs of a schedule that have not ended, parked ones included. */
const GOING_ON = `
  select from {schema}.schedule_runs as made join {schema}.runs as run on run.id = made.run
  where made.schedule = schedule.id and run.ended_at is null`;

const SCHEDULE = `
  select schedule.id as key, schedule.namespace, schedule.schedule_id as id, schedule.workflow,
    schedule.hash, schedule.specifier, schedule.input::text as input,
    schedule.attributes::text as attributes, schedule.rules::text as rules,
    schedule.policy::text as policy, schedule.state,
    schedule.trouble::text as trouble, ${milliseconds("schedule.planned_at")} as planned,
    ${milliseconds("schedule.fire_at")} as "fireAt",
    ${milliseconds("schedule.held_at")} as held, schedule.failures, schedule.started,
    schedule.triggered, schedule.skipped, schedule.missed,
    ${milliseconds("schedule.created_at")} as "createdAt",
    version.hash as "versionHash",
    coalesce((version.contract->>'input')::boolean, false) as "checksInput",
    coalesce(schedule.specifier, (
      select known.specifier from {schema}.workflow_specifiers as known
      where known.hash = version.hash order by known.last_seen desc, known.specifier limit 1
    ), '') as "versionSpecifier",
    exists (${GOING_ON}) as busy,
    (
      select coalesce(json_agg(latest order by latest."firedAt" desc, latest.planned desc), '[]')
      from (
        select made.run_id as "runId", ${milliseconds("made.planned_at")} as planned,
          ${milliseconds("made.fired_at")} as "firedAt", made.manual, run.state
        from {schema}.schedule_runs as made left join {schema}.runs as run on run.id = made.run
        where made.schedule = schedule.id
        order by made.fired_at desc, made.planned_at desc limit ${RECENT_RUNS}
      ) as latest
    )::text as runs,
    ${milliseconds(CLOCK)} as now
  from {schema}.schedules as schedule
  left join {schema}.workflows as named on named.name = schedule.workflow
  left join {schema}.workflow_versions as version
    on version.hash = coalesce(schedule.hash, named.current_hash)`;

const LIST = `
  ${SCHEDULE}
  where schedule.namespace = $1 and ($2::text is null or schedule.workflow = $2)
    and ($3::text[] is null or schedule.state = any($3))
    and ($4::text is null or schedule.schedule_id collate "C" > $4)
  order by schedule.schedule_id collate "C" limit $5::integer`;

const PROGRESS = `
  update {schema}.schedules as schedule set
    state = given.state,
    trouble = given.trouble::json,
    trouble_code = given.trouble_code,
    trouble_version = given.trouble_version,
    planned_at = ${timestamp("given.planned")},
    fire_at = ${timestamp("given.fire_at")},
    held_at = ${timestamp("given.held")},
    failures = given.failures,
    started = given.started,
    triggered = given.triggered,
    skipped = given.skipped,
    missed = given.missed
  from unnest(
    $1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::integer[],
    $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[]
  ) as given (
    id, state, trouble, planned, fire_at, held, failures, started, triggered, skipped, missed,
    trouble_code, trouble_version
  )
  where schedule.id = given.id`;

const SPEC = `
  update {schema}.schedules set
    workflow = $2,
    hash = $3,
    specifier = $4,
    input = $5::text::json,
    attributes = $6::text::jsonb,
    rules = $7::text::json,
    policy = $8::text::jsonb
  where id = $1::bigint`;

/** A planned time that was started before, under other rules, was started. */
const NOTE = `
  insert into {schema}.schedule_runs (schedule, planned_at, manual, fired_at, run, run_id)
  select made.schedule, ${timestamp("made.planned")}, made.manual, clock.at, made.run, made.run_id
  from unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bigint[], $5::text[])
    as made (schedule, planned, manual, run, run_id)
  cross join (select ${CLOCK} as at) as clock
  on conflict on constraint schedule_runs_once do nothing`;

const PRUNE = `
  delete from {schema}.schedule_runs as made
  using (
    select schedule, planned_at, manual,
      row_number() over (partition by schedule order by fired_at desc, planned_at desc) as place
    from {schema}.schedule_runs where schedule = any($1::bigint[])
  ) as old
  where old.place > ${KEPT_RUNS} and made.schedule = old.schedule
    and made.planned_at = old.planned_at and made.manual = old.manual
    and not exists (
      select from {schema}.runs as run where run.id = made.run and run.ended_at is null
    )`;

const RELEASE = `
  update {schema}.schedules set fire_at = ${CLOCK}
  where id in (
    select schedule.id from {schema}.schedules as schedule
    where schedule.held_at is not null and schedule.state = 'active' and schedule.failures = 0
      and (schedule.fire_at is null or schedule.fire_at > clock_timestamp())
      and not exists (${GOING_ON})
    for update of schedule skip locked
  )`;

/**
 * What a schedule is stuck for is there by now: a version, or another one. Heartbeats ask this, so
 * it reads no text that somebody wrote.
 */
const CURABLE = `
  schedule.state = 'stuck' and (
    schedule.trouble_code = 'VERSION_NOT_FOUND'
    or schedule.trouble_code = 'INVALID_INPUT' and schedule.hash is null
      and schedule.trouble_version is distinct from named.current_hash
  )`;

const REVIVE = `
  update {schema}.schedules set
    state = 'active', trouble = null, trouble_code = null, trouble_version = null,
    fire_at = ${CLOCK}
  where id in (
    select schedule.id from {schema}.schedules as schedule
    join {schema}.workflows as named on named.name = schedule.workflow
    where ${CURABLE}
    for update of schedule skip locked
  )`;

const NEXT_FIRE = `
  select fire_at from {schema}.schedules where fire_at is not null order by fire_at limit 1`;

/** For heartbeats: when a schedule is due; at once where what one waits for may have come. */
export const NEXT_LOOK = `
  least(
    (${NEXT_FIRE}),
    (
      select date_trunc('milliseconds', statement_timestamp()) from {schema}.schedules
      where held_at is not null and state = 'active' limit 1
    ),
    (
      select date_trunc('milliseconds', statement_timestamp()) from {schema}.schedules as schedule
      join {schema}.workflows as named on named.name = schedule.workflow
      where ${CURABLE} limit 1
    )
  )`;

const BLOCKED = `
  select schedule.rules::text as rules, ${milliseconds("schedule.held_at")} as held,
    schedule.namespace, json_agg(run.run_id order by run.id)::text as "runIds"
  from {schema}.schedules as schedule
  join {schema}.schedule_runs as made on made.schedule = schedule.id
  join {schema}.runs as run on run.id = made.run and run.ended_at is null
  where schedule.held_at is not null and schedule.state = 'active'
  group by schedule.id`;

/**
 * The statements on schedules in a schema.
 *
 * @param schema Where the tables are.
 * @returns The statements.
 */
export function scheduleStatements(
  schema: SchemaName,
): Record<
  | "now"
  | "create"
  | "lock"
  | "lockDue"
  | "lockOneDue"
  | "read"
  | "get"
  | "list"
  | "progress"
  | "spec"
  | "note"
  | "prune"
  | "release"
  | "revive"
  | "blocked"
  | "nextFire"
  | "pinned"
  | "stuck",
  string
> {
  return schema.fillAll({
    now: `select ${milliseconds(CLOCK)} as now`,
    create: CREATE,
    lock: LOCK,
    lockDue: LOCK_DUE,
    lockOneDue: LOCK_ONE_DUE,
    read:
      `${SCHEDULE} where schedule.id = any($1::bigint[]) order by schedule.fire_at, schedule.id`,
    get: `${SCHEDULE} where schedule.schedule_id = $1 and schedule.namespace = $2`,
    list: LIST,
    progress: PROGRESS,
    spec: SPEC,
    note: NOTE,
    prune: PRUNE,
    release: RELEASE,
    revive: REVIVE,
    blocked: BLOCKED,
    nextFire: `select ${milliseconds(`(${NEXT_FIRE})`)} as at`,
    pinned: `select distinct hash from {schema}.schedules
      where hash is not null and state in ('active', 'paused', 'stuck') order by hash`,
    stuck: `select namespace, schedule_id as id, trouble::text as trouble
      from {schema}.schedules where state = 'stuck' order by id limit 100`,
  });
}
