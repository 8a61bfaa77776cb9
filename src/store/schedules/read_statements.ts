/**
 * The statements that lock and read schedules. See `src/store/schedules/schedule_store.ts` for the
 * invariants.
 *
 * @module
 */

import type { BlockedFiring, ScheduleKey, ScheduleRow } from "../../ports/schedules.ts";
import type { Progress } from "../../schedule/firing.ts";
import { CLOCK, milliseconds } from "../sql/fragments.ts";
import { BIGINTS, nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";

/** A schedule as the database gives it: JSON columns are text. */
export type RawSchedule =
  & Omit<ScheduleRow, "pin" | "rules" | "progress" | "version" | "runs">
  & Omit<Progress, "trouble">
  & {
    readonly hash: string | null;
    readonly specifier: string | null;
    readonly rules: string;
    readonly trouble: string | null;
    readonly versionHash: string | null;
    readonly versionSpecifier: string;
    readonly checksInput: boolean;
    readonly runs: string;
    readonly now: number;
  };

/** The key of a schedule's row. */
interface LockedRow {
  readonly id: number;
}

/** How many of its latest runs a schedule is read with. */
const RECENT_RUNS = 10;

/** Runs of a schedule that have not ended, parked ones included. */
export const GOING_ON = `
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
    coalesce(
      (version.contract->>'input')::boolean or version.contract->'limit' is not null, false
    ) as "checksInput",
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

/**
 * What a schedule is stuck for is there by now: a version, or another one. Heartbeats ask this, so
 * it reads no text that workflow code or a caller wrote.
 */
export const CURABLE = `
  schedule.state = 'stuck' and (
    schedule.trouble_code = 'VERSION_NOT_FOUND'
    or schedule.trouble_code = 'INVALID_INPUT' and schedule.hash is null
      and schedule.trouble_version is distinct from named.current_hash
  )`;

const NEXT_FIRE = `
  select fire_at from {schema}.schedules where fire_at is not null order by fire_at limit 1`;

/** For heartbeats: when a schedule is due; at once if what a schedule waits for may have come. */
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

/** The statements that lock and read schedules. */
export const READ_STATEMENTS = {
  now: statement({}, rows<{ readonly now: number }>(), `select ${milliseconds(CLOCK)} as now`),

  lock: statement(
    { id: TEXT, namespace: TEXT },
    rows<LockedRow>(),
    `
  select id from {schema}.schedules where schedule_id = $id and namespace = $namespace for update`,
  ),

  // The clock stands in a sub-select: read once, it can bound the scan of the index.
  lockDue: statement(
    { limit: NUMBER },
    rows<LockedRow>(),
    `
  select id from {schema}.schedules where fire_at <= (select clock_timestamp())
  order by fire_at limit $limit::integer for update skip locked`,
  ),

  lockOneDue: statement(
    { key: NUMBER },
    rows<LockedRow>(),
    `
  select id from {schema}.schedules
  where id = $key::bigint and fire_at <= (select clock_timestamp()) for update skip locked`,
  ),

  read: statement(
    { keys: BIGINTS },
    rows<RawSchedule>(),
    `${SCHEDULE} where schedule.id = any($keys::bigint[]) order by schedule.fire_at, schedule.id`,
  ),

  get: statement(
    { id: TEXT, namespace: TEXT },
    rows<RawSchedule>(),
    `${SCHEDULE} where schedule.schedule_id = $id and schedule.namespace = $namespace`,
  ),

  list: statement(
    {
      namespace: TEXT,
      workflow: nullable(TEXT),
      states: nullable(TEXTS),
      hash: nullable(TEXT),
      after: nullable(TEXT),
      limit: NUMBER,
    },
    rows<RawSchedule>(),
    `
  ${SCHEDULE}
  where schedule.id = any(array(
    select page.id from {schema}.schedules as page
    where page.namespace = $namespace and ($workflow::text is null or page.workflow = $workflow)
      and ($states::text[] is null or page.state = any($states))
      and ($hash::text is null or page.hash = $hash)
      and ($after::text is null or page.schedule_id > $after)
    order by page.schedule_id limit $limit::integer
  ))
  order by schedule.schedule_id`,
  ),

  blocked: statement(
    {},
    rows<
      Omit<BlockedFiring, "overlap" | "runIds"> & {
        readonly rules: string;
        readonly runIds: string;
      }
    >(),
    `
  select schedule.rules::text as rules, ${milliseconds("schedule.held_at")} as held,
    schedule.namespace, json_agg(run.run_id order by run.id)::text as "runIds"
  from {schema}.schedules as schedule
  join {schema}.schedule_runs as made on made.schedule = schedule.id
  join {schema}.runs as run on run.id = made.run and run.ended_at is null
  where schedule.held_at is not null and schedule.state = 'active'
  group by schedule.id`,
  ),

  nextFire: statement(
    {},
    rows<{ readonly at: number | null }>(),
    `select ${milliseconds(`(${NEXT_FIRE})`)} as at`,
  ),

  pinned: statement(
    {},
    rows<{ readonly hash: string }>(),
    `select distinct hash from {schema}.schedules
    where hash is not null and state in ('active', 'paused', 'stuck') order by hash`,
  ),

  stuck: statement(
    {},
    rows<ScheduleKey & { readonly trouble: string }>(),
    `select namespace, schedule_id as id, trouble::text as trouble
    from {schema}.schedules where state = 'stuck' order by id limit 100`,
  ),
};

/**
 * Makes a schedule of its row.
 *
 * @param raw The row.
 * @returns The schedule.
 */
export function parsed(raw: RawSchedule): ScheduleRow {
  const { key, namespace, id, workflow, hash, specifier, input, attributes, policy, busy } = raw;
  const { state, planned, fireAt, held, failures, started, triggered, skipped, missed, createdAt } =
    raw;
  const trouble = raw.trouble === null ? null : JSON.parse(raw.trouble);
  return {
    key,
    namespace,
    id,
    workflow,
    pin: hash === null ? null : { hash, specifier: specifier! },
    input,
    attributes,
    policy,
    rules: JSON.parse(raw.rules),
    progress: {
      ...{ state, trouble, planned, fireAt, held, failures },
      ...{ started, triggered, skipped, missed },
    },
    version: raw.versionHash === null ? null : {
      hash: raw.versionHash,
      specifier: raw.versionSpecifier,
      checksInput: raw.checksInput,
    },
    busy,
    runs: JSON.parse(raw.runs),
    createdAt,
  };
}
