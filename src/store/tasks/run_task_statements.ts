/**
 * The statements with which runs write and cancel their tasks, and other nodes free them. See
 * `src/store/tasks/task_store.ts` for the invariants.
 *
 * @module
 */

import type { RetriedEffect, TaskProgress } from "../../ports/tasks.ts";
import { CLOCK, milliseconds } from "../sql/fragments.ts";
import { BIGINTS, FLOATS, INTEGERS, NUMBER, TEXTS, unnested } from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";
import { after, unlessHeld, WAITING } from "./fragments.ts";

/** A task's progress as the database gives it: JSON columns are text. */
type ProgressRow = Omit<TaskProgress, "failures"> & { readonly failures: string | null };

interface AnnouncedRow {
  readonly run: number;
  readonly position: number;
  readonly result: string | null;
  readonly at: number;
}

/** The tasks to write, a list for each column. */
const NEW_TASKS = {
  run: BIGINTS,
  node: TEXTS,
  runToken: BIGINTS,
  position: INTEGERS,
  token: BIGINTS,
  attempt: INTEGERS,
  maxAttempts: INTEGERS,
  priority: INTEGERS,
  delayMs: FLOATS,
  ageMs: FLOATS,
  waitMs: FLOATS,
  closeMs: FLOATS,
  queue: TEXTS,
  name: TEXTS,
  hash: TEXTS,
  definition: TEXTS,
  key: TEXTS,
  policy: TEXTS,
  input: TEXTS,
  failures: TEXTS,
  heartbeat: TEXTS,
  trace: TEXTS,
  digest: TEXTS,
  nth: INTEGERS,
};

/** The statements on the tasks of runs. */
export const RUN_TASK_STATEMENTS = {
  // TASK-1: only the holder of a run writes its tasks. Executed again, since an answer was lost, the
  // statement finds the tasks that it has written.
  announce: statement(
    NEW_TASKS,
    rows<AnnouncedRow>(),
    `
  with clock as materialized (select ${CLOCK} as at),
  alive as materialized (
    select id from {schema}.nodes where id = any($node::text[]) order by id for key share
  ),
  given as materialized (
    select given.*, run.generation, run.namespace
    from ${unnested("given", NEW_TASKS)}
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
      policy, input, failures, heartbeat, trace, digest, nth
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
      given.input::json, given.failures::json, given.heartbeat::json, given.trace,
      given.digest, given.nth
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
    and (given.token is null or task.token = given.token)`,
  ),

  // Activities that have tasks, and steps, whose failed attempts are events: of the latest thousand
  // events, those that no later event has answered.
  retried: statement(
    { run: NUMBER },
    rows<RetriedEffect>(),
    `
  with run as materialized (
    select id, first_seq, next_seq from {schema}.runs where id = $run
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
  from {schema}.tasks as task where task.run = $run and task.attempt > 1
  union all
  select coalesce(wait.kind, case when failed.digest is null then 'step' else 'activity' end), false,
    failed.name, failed.position, failed.attempt,
    failed.retry_at::bigint, ${milliseconds("failed.at")}, failed.error
  from failed left join lateral (
    select wait ->> 'kind' as kind from {schema}.runs as run,
      json_array_elements(run.waits) as wait
    where run.id = $run and (wait ->> 'position')::integer = failed.position limit 1
  ) as wait on true
  where not exists (
    select from latest as answer
    where answer.position = failed.position and answer.seq > failed.seq
  )
  order by position`,
  ),

  progress: statement(
    { run: NUMBER, positions: INTEGERS },
    rows<ProgressRow>(),
    `
  select task.position, task.name, task.queue, task.attempt, task.state, task.node,
    task.failures::text as failures, task.heartbeat::text as heartbeat,
    ${milliseconds("task.available_at")} as "availableAt"
  from {schema}.tasks as task
  where task.run = $run and task.position = any($positions::integer[])`,
  ),

  cancel: statement(
    { run: NUMBER, runToken: NUMBER, positions: INTEGERS },
    rows<{ readonly position: number }>(),
    `
  with given as (
    select run.id, position from {schema}.runs as run, unnest($positions::integer[]) as position
    where run.id = $run and run.token = $runToken::bigint
  ),
  held as materialized (
    select task.position, task.state from {schema}.tasks as task
    join given on task.run = given.id and task.position = given.position
    order by task.position for update of task
  ),
  gone as (
    delete from {schema}.tasks as task
    where task.run = $run and task.position = any(array(select position from held where state in ('ready', 'held')))
    returning task.position
  ),
  marked as (
    update {schema}.tasks as task set cancel_requested = true
    where task.run = $run and task.position = any(array(select position from held where state not in ('ready', 'held')))
  )
  select position from gone`,
  ),
};

/** Frees the tasks of expired nodes (NODE-1 of `store/nodes.ts`). An attempt that never ended counts. */
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
    state = ${WAITING}, node = null, attempt = task.attempt + 1, available_at = clock.at,
    expires_at = ${
    unlessHeld(`case
      when task.attempt >= task.max_attempts or task.cancel_requested then clock.at
      else least(clock.at + ${after("task.wait_ms")}, task.closes_at)
    end`)
  }
  from clock, {schema}.runs as run
  where task.node = any($nodes::text[]) and run.id = task.run and run.ended_at is null`,
);
