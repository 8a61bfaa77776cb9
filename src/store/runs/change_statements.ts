/**
 * The statements with which callers and operators change a run.
 *
 * @module
 */

import { CLOCK } from "../sql/fragments.ts";
import { BOOLEAN, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";
import { END_OF_CHILD, ENDED, EXECUTES_NOTHING, released } from "./fragments.ts";

const RELEASED = released("runs.id");

/** Keys of the children, its own and adopted ones, that a run waits for. */
function awaitedBy(run: string): string {
  return `
    select id from {schema}.runs where parent = ${run} and run_id = any($awaited::text[])
    union
    select child.id from {schema}.adoptions as adoption
    join {schema}.runs as child on child.id = adoption.child
    where adoption.run = ${run} and child.run_id = any($awaited::text[])`;
}

/** The statements that change a run. */
export const CHANGE_STATEMENTS = {
  watch: statement(
    { runId: TEXT, namespace: TEXT },
    NO_ROWS,
    `
  update {schema}.runs set watched = true
  where run_id = $runId and namespace is not distinct from $namespace and not watched and ended_at is null`,
  ),

  unpark: statement(
    { runId: TEXT, namespace: TEXT },
    rows<{ readonly id: number }>(),
    `
  update {schema}.runs set
    state = ${RELEASED.state},
    stuck_reason = null,
    wake_at = ${RELEASED.wakeAt},
    claims_since_progress = 0
  where run_id = $runId and namespace is not distinct from $namespace and stuck_reason is not null
  returning id`,
  ),

  end: statement(
    { runId: TEXT, state: TEXT, error: TEXT, onlyStuck: BOOLEAN, namespace: TEXT },
    NO_ROWS,
    `
  with ended as (
  update {schema}.runs set
    state = $state,
    error = $error::text::json,
    ${ENDED},
    must_notify = parent is not null or has_children or is_awaited
  where run_id = $runId and namespace is not distinct from $namespace and ended_at is null
    and (not $onlyStuck::boolean or ${EXECUTES_NOTHING})
  returning id
  )
  delete from {schema}.tasks as task using ended where task.run = ended.id`,
  ),

  // RUN-4, LINEAGE-2
  lockAwaited: statement(
    { id: NUMBER, awaited: TEXTS },
    NO_ROWS,
    `
  select from {schema}.runs
  where id = any(array(select $id::bigint union ${awaitedBy("$id::bigint")}))
  order by id for update`,
  ),

  // RUN-4
  reopen: statement(
    {
      id: NUMBER,
      generation: NUMBER,
      events: NUMBER,
      hash: TEXT,
      specifier: TEXT,
      payload: TEXT,
      awaited: TEXTS,
    },
    rows<{ readonly id: number }>(),
    `
  with clock as materialized (select ${CLOCK} as at),
  closed as materialized (
    select run.id from {schema}.runs as run
    where run.id = $id::bigint and run.state = 'failed' and run.generation = $generation::integer
      and run.next_seq - run.first_seq = $events::integer
      and (run.parent is null or run.must_notify or (
        exists (
          select from {schema}.runs as parent
          where parent.id = run.parent and parent.ended_at <= run.ended_at
        ) and not exists (
          select from {schema}.adoptions as adoption where adoption.child = run.id
        )
      ))
    for update of run
  ),
  reopened as (
    update {schema}.runs as run set
      specifier_id = {schema}.specifier_id_of($hash, $specifier),
      state = 'suspended',
      result = null,
      error = null,
      ended_at = null,
      must_notify = false,
      since = clock.at,
      wake_at = clock.at,
      claims_since_progress = 0,
      delivered_seq = case
        when next_seq > first_seq then greatest(delivered_seq, next_seq - 1) else delivered_seq
      end,
      next_seq = next_seq + 1
    from closed cross join clock
    where run.id = closed.id
    returning run.id, run.next_seq - 1 as seq, clock.at
  ),
  lost as (
    insert into {schema}.inbox (run, kind, name, payload)
    select reopened.id, 'child', child.run_id, ${END_OF_CHILD}
    from reopened join {schema}.runs as child
      on child.id = any(array(${awaitedBy("$id::bigint")}))
    where child.ended_at is not null and not child.must_notify
      and not exists (
        select from {schema}.inbox as message
        where message.run = reopened.id and message.kind = 'child' and message.name = child.run_id
      )
  )
  insert into {schema}.events (run, seq, at, kind, name, payload)
  select reopened.id, reopened.seq, reopened.at, 'version.changed', '', $payload::text::json
  from reopened
  returning run as id`,
  ),

  setAttributes: statement(
    { runId: TEXT, namespace: TEXT, removed: TEXTS, set: TEXT },
    rows<{ readonly id: number }>(),
    `
  update {schema}.runs set attributes = (attributes - $removed::text[]) || $set::text::jsonb
  where run_id = $runId and namespace is not distinct from $namespace
  returning id`,
  ),
};
