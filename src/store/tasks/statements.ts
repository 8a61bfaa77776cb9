/**
 * The statements on tasks. See `src/store/tasks/task_store.ts` for the rules that they keep.
 *
 * @module
 */

import type { SchemaName } from "../schema/name.ts";
import { CLOCK, milliseconds, readFirst, timestamp } from "../sql/fragments.ts";
import { TEXTS } from "../sql/parameters.ts";
import { NO_ROWS, statement } from "../sql/statement.ts";

const NEW_TOKEN = "floor(random() * 9007199254740991)::bigint";

/** RUN-1 of runs, for tasks: holds the node's row, so that it can't be buried before the commit. */
const ALIVE = "select id from {schema}.nodes where id = $1 for key share";

/** TASK-2: an attempt that others complete has its token until its time is over. */
const IN_TIME = `(
  task.state <> 'external' or task.expires_at is null or task.expires_at > clock_timestamp()
)`;

function after(ms: string): string {
  return `${ms} * interval '1 millisecond'`;
}

/**
 * TASK-1: only who holds the run asks for its tasks. Asked again, since an answer was lost, it finds
 * what it has written.
 */
const ANNOUNCE = `
  with clock as materialized (select ${CLOCK} as at),
  alive as materialized (
    select id from {schema}.nodes where id = any($2::text[]) order by id for key share
  ),
  given as materialized (
    select given.*, run.generation, run.namespace
    from unnest(
      $1::bigint[], $2::text[], $3::bigint[], $4::integer[], $5::bigint[], $6::integer[],
      $7::integer[], $8::integer[], $9::float8[], $10::float8[], $11::float8[], $12::float8[],
      $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
      $20::text[], $21::text[]
    ) as given (
      run, node, run_token, position, token, attempt, max_attempts, priority, delay_ms, age_ms,
      wait_ms, close_ms, queue, name, hash, definition, key, policy, input, failures, heartbeat
    )
    join {schema}.runs as run on run.id = given.run and run.token = given.run_token
    join alive on alive.id = given.node
  ),
  known as (
    select given.run, given.position, stored.result
    from given join {schema}.activity_results as stored
      on stored.namespace = given.namespace and stored.name = given.name
      and stored.key = given.key
    where given.key is not null
  ),
  written as (
    insert into {schema}.tasks (
      run, position, generation, attempt, max_attempts, priority, token, available_at,
      scheduled_at, expires_at, closes_at, wait_ms, state, node, queue, name, hash, definition, key,
      policy, input, failures, heartbeat
    )
    select given.run, given.position, given.generation, given.attempt, given.max_attempts,
      given.priority, given.token,
      clock.at + ${after("given.delay_ms")},
      clock.at - ${after("given.age_ms")},
      case when given.token is null then least(
        clock.at + ${after("(given.delay_ms + given.wait_ms)")},
        clock.at + ${after("(given.close_ms - given.age_ms)")}
      ) end,
      clock.at + ${after("(given.close_ms - given.age_ms)")},
      given.wait_ms,
      case when given.token is null then 'ready' else 'leased' end,
      case when given.token is not null then given.node end,
      given.queue, given.name, given.hash, given.definition, given.key, given.policy::json,
      given.input::json, given.failures::json, given.heartbeat::json
    from given cross join clock
    where not exists (
      select from known where known.run = given.run and known.position = given.position
    )
    on conflict (run, position) do nothing
    returning run, position
  )
  select run, position, null as result, ${milliseconds("clock.at")} as at
  from written cross join clock
  union all
  select run, position, result::text, ${milliseconds("clock.at")} from known cross join clock
  union all
  select given.run, given.position, null, ${milliseconds("clock.at")}
  from given cross join clock join {schema}.tasks as task
    on task.run = given.run and task.position = given.position
  where task.generation = given.generation
    and (given.token is null or task.token = given.token)`;

const LEASED = `
  task.run, task.position, task.token, run.seed, task.attempt, task.max_attempts as "maxAttempts",
  task.priority, task.queue, task.name, task.hash, task.definition, task.key,
  task.policy::text as policy, task.input::text as input, task.failures::text as failures,
  task.heartbeat::text as heartbeat, task.cancel_requested as "cancelRequested",
  ${milliseconds("task.scheduled_at")} as "scheduledAt",
  ${milliseconds("task.available_at")} as "availableAt",
  ${milliseconds("task.closes_at")} as "closesAt", ${milliseconds("task.ends_at")} as "endsAt",
  run.run_id as "runId",
  run.ended_at is not null or run.generation <> task.generation as ended`;

const KNOWN = `(
  select stored.result::text from {schema}.activity_results as stored
  where task.key is not null and stored.namespace = run.namespace and stored.name = task.name
    and stored.key = task.key
) as known`;

/** What a node may execute: what it registered, or what it can load. */
function executable(names: string, excluded: string): string {
  return `
  (task.hash is null and task.name = any(${names}::text[])
    or task.hash is not null and task.hash <> all(${excluded}::text[]))`;
}

const DUE = `
  select task.run, task.position, task.state as was from {schema}.tasks as task
  where task.state = 'ready' and task.queue = $2
    and task.available_at <= (select clock_timestamp())
    and ${executable("$4", "$5")} and exists (select from alive)
  order by task.priority desc, task.available_at limit $3::integer
  for update of task skip locked`;

function lease(from: string): string {
  return `
    update {schema}.tasks as task set
      state = 'leased', node = $1, token = ${NEW_TOKEN}, expires_at = null
    from ${from} join {schema}.runs as run on run.id = due.run
    where task.run = due.run and task.position = due.position
    returning ${LEASED}, ${KNOWN}, due.was`;
}

const CLAIM = `
  with alive as materialized (${ALIVE}),
  due as materialized (${DUE})
  ${lease(readFirst("due", "run, position"))}`;

/** TASK-5: permits are taken and tasks claimed in one statement; the bucket's row orders all nodes. */
const CLAIM_RATED = `
  with alive as materialized (${ALIVE}),
  due as materialized (${DUE}),
  numbered as materialized (select due.*, row_number() over () as place from due),
  taken as (
    update {schema}.queue_rates as rate set
      refilled_at = clock_timestamp(),
      granted = least((select count(*) from due), floor(refill.permits))::integer,
      permits = refill.permits - least((select count(*) from due), floor(refill.permits))
    from (
      select bucket.queue, least($6::float8, bucket.permits + $6::float8 *
        extract(epoch from clock_timestamp() - bucket.refilled_at) * 1000 / $7::float8
      ) as permits
      from {schema}.queue_rates as bucket where bucket.queue = $2
      for update
    ) as refill
    where rate.queue = refill.queue and exists (select from due)
    returning rate.granted
  )
  ${lease("(select numbered.* from numbered, taken where place <= taken.granted) as due")}`;

const WAITING = `
  select exists (
    select from {schema}.tasks as task
    where task.state = 'ready' and task.queue = $1
      and task.available_at <= (select clock_timestamp()) and ${executable("$2", "$3")}
  ) as waiting`;

const OPEN_RATE = `
  insert into {schema}.queue_rates (queue, permits, refilled_at)
  values ($1, $2::float8, clock_timestamp())
  on conflict (queue) do nothing`;

const CLAIM_EXPIRED = `
  with alive as materialized (${ALIVE}),
  due as materialized (
    select task.run, task.position, task.state as was from {schema}.tasks as task
    where task.expires_at <= (select clock_timestamp()) and exists (select from alive)
    order by task.expires_at limit $2::integer
    for update of task skip locked
  )
  ${lease(readFirst("due", "run, position"))}`;

const NEXT = `
  select ${milliseconds("min(at)")} as at from (
    (
      select min(available_at) as at from unnest($1::text[]) as served (queue)
      join {schema}.tasks as task on task.queue = served.queue and task.state = 'ready'
      where task.available_at > ${timestamp("$2::float8")}
    )
    union all
    (
      select expires_at from {schema}.tasks where expires_at is not null
      order by expires_at limit 1
    )
  ) as times`;

/**
 * TASK-2, TASK-3. Runs are held in one order and never waited for, as in a flush (JOURNAL-2 of the journal). The
 * same key twice in one statement: the first in order stands, as it would in two.
 */
const ANSWER = `
  with given as materialized (
    select * from unnest(
      $1::bigint[], $2::integer[], $3::bigint[], $4::text[], $5::text[]
    ) as given (run, position, token, kind, payload)
  ),
  held as materialized (
    select run.id, run.node, run.ended_at, run.generation, run.namespace
    from {schema}.runs as run
    where run.id in (
      select task.run from {schema}.tasks as task join given
        on given.run = task.run and given.position = task.position and given.token = task.token
      where ${IN_TIME}
    )
    order by run.id for update of run skip locked
  ),
  done as (
    delete from {schema}.tasks as task using given, held
    where task.run = given.run and task.position = given.position and task.token = given.token
      and held.id = task.run and ${IN_TIME}
    returning task.run, task.position, task.name, task.key, held.namespace, given.kind,
      given.payload, held.node,
      held.ended_at is null and held.generation = task.generation as wanted
  ),
  stored as (
    insert into {schema}.activity_results (namespace, name, key, result)
    select distinct on (namespace, name, key) namespace, name, key, payload::json
    from done where key is not null and kind = 'activity.completed'
    order by namespace, name, key, run, position
    on conflict (namespace, name, key) do update set key = excluded.key
    returning namespace, name, key, result
  ),
  woken as (
    update {schema}.runs as run set
      wake_seq = run.wake_seq + 1,
      wake_at = case
        when run.state in ('pending', 'suspended') then least(run.wake_at, ${CLOCK})
      end
    from (select distinct done.run as id from done where done.wanted) as due
    where run.id = due.id
  ),
  told as (
    insert into {schema}.inbox (run, kind, name, position, payload)
    select done.run, 'activity', done.kind, done.position,
      coalesce(stored.result, done.payload::json)
    from done left join stored
      on done.kind = 'activity.completed' and stored.namespace = done.namespace
      and stored.name = done.name and stored.key = done.key
    where done.wanted
  )
  select run, position, node from done`;

const HELD_BY = `
  select task.run, task.position from {schema}.tasks as task
  join unnest($1::bigint[], $2::integer[], $3::bigint[]) as given (run, position, token)
    on task.run = given.run and task.position = given.position and task.token = given.token
  where ${IN_TIME}`;

const FENCED = "task.run = $1 and task.position = $2 and task.token = $3";

const RETRY = `
  with clock as materialized (select ${CLOCK} as at)
  update {schema}.tasks as task set
    state = case when task.cancel_requested then task.state else 'ready' end,
    node = case when task.cancel_requested then task.node end,
    attempt = task.attempt + case when task.cancel_requested then 0 else 1 end,
    token = case when task.cancel_requested then task.token end,
    available_at = clock.at + ${after("$4::float8")},
    expires_at = case when not task.cancel_requested then
      least(clock.at + ${after("($4::float8 + task.wait_ms)")}, task.closes_at)
    end,
    failures = $5::text::json,
    ends_at = null,
    heartbeat = coalesce($6::text::json, task.heartbeat)
  from clock where ${FENCED} and task.state <> 'ready' and ${IN_TIME}
  returning task.cancel_requested as "cancelled"`;

const DECIDE = `
  update {schema}.tasks as task set
    max_attempts = $4::integer, policy = $5::text::json, key = $6
  from {schema}.runs as run
  where ${FENCED} and run.id = task.run and task.state = 'leased'
  returning ${KNOWN}`;

const RELEASE = `
  update {schema}.tasks as task set
    state = 'ready', node = null, token = null,
    expires_at = least(task.available_at + ${after("task.wait_ms")}, task.closes_at)
  where ${FENCED} and task.state = 'leased'`;

const DEFER = `
  with clock as materialized (select ${CLOCK} as at)
  update {schema}.tasks as task set
    state = 'external', node = null,
    ends_at = clock.at + ${after("$4::float8")},
    expires_at = least(
      clock.at + ${after("$4::float8")},
      clock.at + ${after("(task.policy ->> 'heartbeat')::float8")}, task.closes_at
    )
  from clock where ${FENCED} and task.state = 'leased'
  returning ${milliseconds("task.expires_at")} as "expiresAt"`;

/** An attempt outside lives for another interval by it, but not past the time of the attempt. */
const BEAT = `
  with clock as materialized (select ${CLOCK} as at)
  update {schema}.tasks as task set
    heartbeat = coalesce(given.details::json, task.heartbeat),
    expires_at = case when task.state = 'external' then least(
      clock.at + ${after("(task.policy ->> 'heartbeat')::float8")}, task.ends_at, task.closes_at
    ) end
  from clock, unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[])
    as given (run, position, token, details)
  where task.run = given.run and task.position = given.position and task.token = given.token
    and task.state <> 'ready' and ${IN_TIME}
  returning task.run, task.position, task.token, task.cancel_requested as "cancelRequested"`;

const LEASES = `
  select task.run, task.position, task.token, task.cancel_requested as "cancelRequested"
  from {schema}.tasks as task where task.node = $1`;

const GET = `
  select ${LEASED}, null as known, task.state as was
  from {schema}.tasks as task join {schema}.runs as run on run.id = task.run
  where ${FENCED} and task.state <> 'ready' and ${IN_TIME}`;

/**
 * Activities that have tasks, and steps, whose failed attempts are events: of the latest thousand
 * events, those that nothing has answered.
 */
const RETRIED = `
  with run as materialized (
    select id, first_seq, next_seq from {schema}.runs where id = $1
  ),
  latest as materialized (
    select event.seq, event.position, event.kind, event.name, event.at, event.payload, event.digest
    from run join {schema}.events as event
      on event.run = run.id and event.seq >= greatest(run.first_seq, run.next_seq - 1000)
  ),
  failed as (
    select distinct on (position) seq, position, name, at, digest,
      (payload ->> 'attempt')::integer as attempt,
      (payload ->> 'retryAt')::float8 as retry_at, payload ->> 'error' as error
    from latest where kind = 'attempt.failed' order by position, seq desc
  )
  select 'activity' as kind, true as "isTask", task.name, task.position, task.attempt - 1 as failed,
    case when task.state = 'ready' then ${milliseconds("task.available_at")} end as "nextAt",
    (task.failures -> -1 ->> 'at')::bigint as "failedAt", task.failures -> -1 ->> 'error' as error
  from {schema}.tasks as task where task.run = $1 and task.attempt > 1
  union all
  select coalesce(wait.kind, case when failed.digest is null then 'step' else 'activity' end), false,
    failed.name, failed.position, failed.attempt,
    failed.retry_at::bigint, ${milliseconds("failed.at")}, failed.error
  from failed left join lateral (
    select wait ->> 'kind' as kind from {schema}.runs as run,
      json_array_elements(run.waits) as wait
    where run.id = $1 and (wait ->> 'position')::integer = failed.position limit 1
  ) as wait on true
  where not exists (
    select from latest as answer
    where answer.position = failed.position and answer.seq > failed.seq
  )
  order by position`;

const CANCEL = `
  with given as (
    select run.id, position from {schema}.runs as run, unnest($3::integer[]) as position
    where run.id = $1 and run.token = $2::bigint
  ),
  gone as (
    delete from {schema}.tasks as task using given
    where task.run = given.id and task.position = given.position and task.state = 'ready'
    returning task.position
  ),
  marked as (
    update {schema}.tasks as task set cancel_requested = true from given
    where task.run = given.id and task.position = given.position and task.state <> 'ready'
  )
  select position from gone`;

/** What a burial does to the tasks of the dead (NODE-1 of nodes). An attempt that never ended counts. */
export const FREE_TASKS = statement(
  { nodes: TEXTS },
  NO_ROWS,
  `
  with orphans as (
    delete from {schema}.tasks as task using {schema}.runs as run
    where task.node = any($nodes::text[]) and run.id = task.run and run.ended_at is not null
  ),
  clock as materialized (select ${CLOCK} as at)
  update {schema}.tasks as task set
    state = 'ready', node = null, attempt = task.attempt + 1, available_at = clock.at,
    expires_at = case
      when task.attempt >= task.max_attempts or task.cancel_requested then clock.at
      else least(clock.at + ${after("task.wait_ms")}, task.closes_at)
    end
  from clock, {schema}.runs as run
  where task.node = any($nodes::text[]) and run.id = task.run and run.ended_at is null`,
);

/**
 * The statements on tasks in a schema.
 *
 * @param schema Where the tables are.
 * @returns The statements.
 */
export function taskStatements(
  schema: SchemaName,
): Record<
  | "announce"
  | "claim"
  | "claimRated"
  | "waiting"
  | "openRate"
  | "claimExpired"
  | "next"
  | "answer"
  | "heldBy"
  | "retry"
  | "decide"
  | "release"
  | "defer"
  | "beat"
  | "leases"
  | "get"
  | "retried"
  | "cancel",
  string
> {
  return schema.fillAll({
    announce: ANNOUNCE,
    claim: CLAIM,
    claimRated: CLAIM_RATED,
    waiting: WAITING,
    openRate: OPEN_RATE,
    claimExpired: CLAIM_EXPIRED,
    next: NEXT,
    answer: ANSWER,
    heldBy: HELD_BY,
    retry: RETRY,
    decide: DECIDE,
    release: RELEASE,
    defer: DEFER,
    beat: BEAT,
    leases: LEASES,
    get: GET,
    retried: RETRIED,
    cancel: CANCEL,
  });
}
