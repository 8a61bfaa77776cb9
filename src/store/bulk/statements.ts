/**
 * The statements that change many runs, and those on jobs. See `src/store/bulk/bulk_store.ts` for
 * the invariants.
 *
 * @module
 */

import type { JobKind, JobRow, JobSummary, MovedRun } from "../../ports/bulk.ts";
import { OPEN_EFFECTS } from "../journal/open_effects.ts";
import { CLOCK, milliseconds, readFirst } from "../sql/fragments.ts";
import {
  BIGINTS,
  BOOLEAN,
  BOOLEANS,
  INTEGERS,
  nullable,
  NUMBER,
  TEXT,
  TEXTS,
  unnested,
} from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";

const MOVES = {
  runs: BIGINTS,
  generations: INTEGERS,
  nexts: INTEGERS,
  payloads: TEXTS,
  wakes: BOOLEANS,
};

const TASKS = { taskRuns: BIGINTS, positions: INTEGERS, definitions: TEXTS };

const JOB_FACTS = `job.id, job.namespace,
    ${milliseconds("job.created_at")} as "createdAt",
    ${milliseconds("job.updated_at")} as "updatedAt",
    ${milliseconds("job.ended_at")} as "endedAt",
    case when job.held_until >= clock_timestamp() then job.driver end as driver,
    case when job.held_until >= clock_timestamp() then ${milliseconds("job.held_until")} end
      as "heldUntil"`;

const JOB = `
  select ${JOB_FACTS},
    (date_part('epoch', clock_timestamp() - job.updated_at) * 1000)::float8 as "idleMs",
    job.plan::text as plan, job.progress::text as progress
  from {schema}.bulk_jobs as job`;

const HELD_UNTIL = "clock_timestamp() + $leaseMs::float8 * interval '1 millisecond'";

/** The statements. */
export const BULK_STATEMENTS = {
  // BULK-1, BULK-2: what is open is looked at by the next statement, which sees what was committed by now.
  lock: statement(
    { runs: BIGINTS },
    rows<{ readonly id: number }>(),
    `
  select id from {schema}.runs
  where id = any($runs::bigint[]) and ended_at is null and node is null
  order by id for update skip locked`,
  ),

  open: OPEN_EFFECTS,

  // A run that has begun its attempt and is not parked sleeps until its time, unless it is woken. One
  // that has not begun keeps its time in any case, and a paused or queued one
  // stays as it is.
  move: statement(
    { hash: TEXT, specifier: TEXT, ...MOVES, ...TASKS },
    rows<MovedRun>(),
    `
  with clock as materialized (select ${CLOCK} as at),
  target as materialized (select {schema}.specifier_id_of($hash, $specifier) as id),
  given as materialized (select * from ${unnested("given", MOVES)}),
  free as materialized (
    select run.id, given.payloads as payload,
      run.stuck_reason is not null
        or (given.wakes and run.started_at is not null and run.state not in ('paused', 'queued')) as wakes
    from given join {schema}.runs as run on run.id = given.runs
    where run.ended_at is null and run.node is null
      and run.generation = given.generations and run.next_seq = given.nexts
    order by run.id
    for update of run skip locked
  ),
  moved as (
    update {schema}.runs as run set
      specifier_id = (select id from target),
      delivered_seq = case
        when run.next_seq > run.first_seq then greatest(run.delivered_seq, run.next_seq - 1)
        else run.delivered_seq
      end,
      next_seq = run.next_seq + 1,
      state = case when run.state in ('paused', 'queued') then run.state else 'suspended' end,
      stuck_reason = null,
      claims_since_progress = 0,
      waits = case when free.wakes then null else run.waits end,
      wake_at = case
        when free.wakes then least(run.wake_at, (select at from clock)) else run.wake_at
      end
    from ${readFirst("free", "id")} where run.id = free.id
    returning run.id, run.next_seq - 1 as seq, free.payload, run.wake_at
  ),
  tasks as (
    update {schema}.tasks as task set hash = $hash, definition = given.definitions
    from moved join ${unnested("given", TASKS)} on given.task_runs = moved.id
    where task.run = moved.id and task.position = given.positions and task.hash is not null
  ),
  noted as (
    insert into {schema}.events (run, seq, at, kind, name, payload)
    select moved.id, moved.seq, clock.at, 'version.changed', '', moved.payload::json
    from moved cross join clock
  )
  select id, ${milliseconds("wake_at")} as "wakeAt" from moved`,
  ),

  progress: statement(
    { job: TEXT, token: NUMBER, leaseMs: NUMBER, progress: TEXT },
    rows<{ readonly id: string }>(),
    `
  update {schema}.bulk_jobs set
    progress = $progress::text::json,
    updated_at = ${CLOCK},
    held_until = ${HELD_UNTIL}
  where id = $job and token = $token::bigint
  returning id`,
  ),

  create: statement(
    {
      job: TEXT,
      kind: TEXT,
      namespace: TEXT,
      plan: TEXT,
      progress: TEXT,
      driver: TEXT,
      token: NUMBER,
      leaseMs: NUMBER,
    },
    NO_ROWS,
    `
  with old as (
    delete from {schema}.bulk_jobs where ended_at < clock_timestamp() - interval '30 days'
  )
  insert into {schema}.bulk_jobs (id, kind, namespace, plan, progress, driver, token, held_until)
  values ($job, $kind, $namespace, $plan::text::json, $progress::text::json, $driver,
    $token::bigint, ${HELD_UNTIL})`,
  ),

  // The row is locked first: the look shows it as it was before this statement takes it.
  take: statement(
    { job: TEXT, kind: TEXT, driver: TEXT, token: NUMBER, leaseMs: NUMBER },
    rows<JobRow>(),
    `
  with found as materialized (
    ${JOB} where job.id = $job and job.kind = $kind for update of job
  ),
  taken as (
    update {schema}.bulk_jobs as job set
      driver = $driver, token = $token::bigint, held_until = ${HELD_UNTIL}
    from found where job.id = found.id and found."endedAt" is null and found.driver is null
  )
  select * from found`,
  ),

  kindOf: statement(
    { job: TEXT },
    rows<{ readonly kind: JobKind }>(),
    "select job.kind from {schema}.bulk_jobs as job where job.id = $job",
  ),

  release: statement(
    { job: TEXT, token: NUMBER, isDone: BOOLEAN },
    NO_ROWS,
    `
  update {schema}.bulk_jobs set
    ended_at = case when $isDone::boolean then ${CLOCK} end,
    driver = null,
    token = null,
    held_until = null
  where id = $job and token = $token::bigint`,
  ),

  jobs: statement(
    { namespace: nullable(TEXT), limit: NUMBER },
    rows<JobSummary>(),
    `
  select ${JOB_FACTS}, job.kind, job.plan ->> 'workflow' as workflow,
    job.plan -> 'target' ->> 'hash' as to,
    (job.progress ->> 'examined')::integer as examined,
    json_array_length(job.progress -> 'again') as again,
    job.progress ->> 'counts' as counts
  from {schema}.bulk_jobs as job
  where $namespace::text is null or job.namespace = $namespace
  order by job.created_at desc, job.id limit $limit::integer`,
  ),
};
