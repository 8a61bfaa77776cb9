/**
 * The statements with which attempts read and change their tasks. See
 * `src/store/tasks/task_store.ts` for the invariants.
 *
 * @module
 */

import type { TaskLease } from "../../ports/tasks.ts";
import { CLOCK, milliseconds } from "../sql/fragments.ts";
import { BIGINTS, INTEGERS, nullable, NUMBER, TEXT, TEXTS, unnested } from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";
import { after, IN_TIME, KNOWN, LEASED, type RawTask, unlessHeld, WAITING } from "./fragments.ts";

/** The key of a task. */
export interface KeyRow {
  /** Its run. */
  readonly run: number;
  /** The position of its command. */
  readonly position: number;
}

/** One attempt: its task, and the token that was drawn for it. */
const FENCE = { run: NUMBER, position: NUMBER, token: NUMBER };

const FENCED = "task.run = $run and task.position = $position and task.token = $token";

/** Many attempts, a list for each column. */
const FENCES = { run: BIGINTS, position: INTEGERS, token: BIGINTS };

const ANSWERS = { ...FENCES, kind: TEXTS, payload: TEXTS };

const BEATS = { ...FENCES, details: TEXTS };

/** The statements on attempts. */
export const ATTEMPT_STATEMENTS = {
  // TASK-2, TASK-3. Runs are locked in one order and never waited for, as in a flush (JOURNAL-2 of
  // the journal). If a statement has the same key twice, the first result in order stands, as it
  // would in two statements.
  answer: statement(
    ANSWERS,
    rows<KeyRow & { readonly node: string | null }>(),
    `
  with given as materialized (
    select * from ${unnested("given", ANSWERS)}
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
    returning task.run, task.position, task.name, task.digest, task.key, held.namespace, given.kind,
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
  notified as (
    insert into {schema}.inbox (run, kind, name, position, digest, payload)
    select done.run, done.kind, done.name, done.position, done.digest,
      coalesce(stored.result, done.payload::json)
    from done left join stored
      on done.kind = 'activity.completed' and stored.namespace = done.namespace
      and stored.name = done.name and stored.key = done.key
    where done.wanted
  )
  select run, position, node from done`,
  ),

  heldBy: statement(
    FENCES,
    rows<KeyRow>(),
    `
  select task.run, task.position from {schema}.tasks as task
  join ${unnested("given", FENCES)}
    on task.run = given.run and task.position = given.position and task.token = given.token
  where ${IN_TIME}`,
  ),

  retry: statement(
    { ...FENCE, delayMs: NUMBER, failures: TEXT, heartbeat: nullable(TEXT) },
    rows<{ readonly cancelled: boolean }>(),
    `
  with clock as materialized (select ${CLOCK} as at)
  update {schema}.tasks as task set
    state = case when task.cancel_requested then task.state else ${WAITING} end,
    node = case when task.cancel_requested then task.node end,
    attempt = task.attempt + case when task.cancel_requested then 0 else 1 end,
    token = case when task.cancel_requested then task.token end,
    available_at = clock.at + ${after("$delayMs::float8")},
    expires_at = case when not task.cancel_requested then ${
      unlessHeld(`least(clock.at + ${after("($delayMs::float8 + task.wait_ms)")}, task.closes_at)`)
    } end,
    failures = $failures::text::json,
    ends_at = null,
    heartbeat = coalesce($heartbeat::text::json, task.heartbeat)
  from clock where ${FENCED} and task.state not in ('ready', 'held') and ${IN_TIME}
  returning task.cancel_requested as "cancelled"`,
  ),

  decide: statement(
    { ...FENCE, maxAttempts: nullable(NUMBER), policy: nullable(TEXT), key: nullable(TEXT) },
    rows<{ readonly known: string | null }>(),
    `
  update {schema}.tasks as task set
    max_attempts = $maxAttempts::integer, policy = $policy::text::json, key = $key
  from {schema}.runs as run
  where ${FENCED} and run.id = task.run and task.state = 'leased'
  returning ${KNOWN}`,
  ),

  release: statement(
    FENCE,
    NO_ROWS,
    `
  update {schema}.tasks as task set
    state = ${WAITING}, node = null, token = null,
    expires_at = ${
      unlessHeld(`case
      when task.cancel_requested then ${CLOCK}
      else least(task.available_at + ${after("task.wait_ms")}, task.closes_at)
    end`)
    }
  where ${FENCED} and task.state = 'leased'`,
  ),

  postpone: statement(
    { ...FENCE, delayMs: NUMBER },
    NO_ROWS,
    `
  with clock as materialized (select ${CLOCK} + ${after("$delayMs::float8")} as at)
  update {schema}.tasks as task set
    state = ${WAITING}, node = null, token = null,
    available_at = greatest(task.available_at, clock.at),
    expires_at = ${
      unlessHeld(`case
      when task.cancel_requested then clock.at
      when task.wait_ms is null and task.closes_at is null then null
      else greatest(clock.at, least(task.available_at + ${after("task.wait_ms")}, task.closes_at))
    end`)
    }
  from clock where ${FENCED} and task.state = 'leased'`,
  ),

  defer: statement(
    { ...FENCE, timeoutMs: nullable(NUMBER) },
    rows<{ readonly expiresAt: number | null }>(),
    `
  with clock as materialized (select ${CLOCK} as at)
  update {schema}.tasks as task set
    state = 'external', node = null,
    ends_at = clock.at + ${after("$timeoutMs::float8")},
    expires_at = least(
      clock.at + ${after("$timeoutMs::float8")},
      clock.at + ${after("(task.policy ->> 'heartbeat')::float8")}, task.closes_at
    )
  from clock where ${FENCED} and task.state = 'leased'
  returning ${milliseconds("task.expires_at")} as "expiresAt"`,
  ),

  // A heartbeat extends an attempt outside by one interval, but not past the time of the attempt.
  beat: statement(
    BEATS,
    rows<TaskLease>(),
    `
  with clock as materialized (select ${CLOCK} as at)
  update {schema}.tasks as task set
    heartbeat = coalesce(given.details::json, task.heartbeat),
    expires_at = case when task.state = 'external' then least(
      clock.at + ${after("(task.policy ->> 'heartbeat')::float8")}, task.ends_at, task.closes_at
    ) end
  from clock, ${unnested("given", BEATS)}
  where task.run = given.run and task.position = given.position and task.token = given.token
    and task.state not in ('ready', 'held') and ${IN_TIME}
  returning task.run, task.position, task.token, task.cancel_requested as "cancelRequested"`,
  ),

  leases: statement(
    { node: TEXT },
    rows<TaskLease>(),
    `
  select task.run, task.position, task.token, task.cancel_requested as "cancelRequested"
  from {schema}.tasks as task where task.node = $node`,
  ),

  get: statement(
    FENCE,
    rows<RawTask>(),
    `
  select ${LEASED}, null as known, task.state as was
  from {schema}.tasks as task join {schema}.runs as run on run.id = task.run
  where ${FENCED} and task.state not in ('ready', 'held') and ${IN_TIME}`,
  ),
};
