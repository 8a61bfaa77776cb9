/**
 * The statements with which nodes claim tasks. See `src/store/tasks/task_store.ts` for the invariants.
 *
 * @module
 */

import { milliseconds, readFirst, timestamp } from "../sql/fragments.ts";
import { NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { NO_ROWS, rows, statement } from "../sql/statement.ts";
import { KNOWN, LEASED, type RawTask } from "./fragments.ts";

const NEW_TOKEN = "floor(random() * 9007199254740991)::bigint";

/** RUN-1 for tasks: locks the node's row, so that no node is expired while it is given a task. */
const ALIVE = "select id from {schema}.nodes where id = $node for key share";

/** What a node may execute: what it registered, or what it can load. */
const EXECUTABLE = `
  (task.hash is null and task.name = any($names::text[])
    or task.hash is not null and task.hash <> all($excluded::text[]))`;

const DUE = `
  select task.run, task.position, task.state as was from {schema}.tasks as task
  where task.state = 'ready' and task.queue = $queue
    and task.available_at <= (select clock_timestamp())
    and ${EXECUTABLE} and exists (select from alive)
  order by task.priority desc, task.available_at limit $limit::integer
  for update of task skip locked`;

function lease(from: string): string {
  return `
    update {schema}.tasks as task set
      state = 'leased', node = $node, token = ${NEW_TOKEN}, expires_at = null
    from ${from} join {schema}.runs as run on run.id = due.run
    where task.run = due.run and task.position = due.position
    returning ${LEASED}, ${KNOWN}, due.was`;
}

/** What a claim asks for. */
const CLAIM = { node: TEXT, queue: TEXT, limit: NUMBER, names: TEXTS, excluded: TEXTS };

/** The statements on claims. */
export const CLAIM_STATEMENTS = {
  claim: statement(
    CLAIM,
    rows<RawTask>(),
    `
  with alive as materialized (${ALIVE}),
  due as materialized (${DUE})
  ${lease(readFirst("due", "run, position"))}`,
  ),

  // TASK-5: one statement takes permits and claims tasks; the bucket's row orders all nodes.
  claimRated: statement(
    { ...CLAIM, permits: NUMBER, perMs: NUMBER },
    rows<RawTask>(),
    `
  with alive as materialized (${ALIVE}),
  due as materialized (${DUE}),
  numbered as materialized (select due.*, row_number() over () as place from due),
  taken as (
    update {schema}.queue_rates as rate set
      refilled_at = clock_timestamp(),
      granted = least((select count(*) from due), floor(refill.permits))::integer,
      permits = refill.permits - least((select count(*) from due), floor(refill.permits))
    from (
      select bucket.queue, least($permits::float8, bucket.permits + $permits::float8 *
        extract(epoch from clock_timestamp() - bucket.refilled_at) * 1000 / $perMs::float8
      ) as permits
      from {schema}.queue_rates as bucket where bucket.queue = $queue
      for update
    ) as refill
    where rate.queue = refill.queue and exists (select from due)
    returning rate.granted
  )
  ${lease("(select numbered.* from numbered, taken where place <= taken.granted) as due")}`,
  ),

  claimExpired: statement(
    { node: TEXT, limit: NUMBER },
    rows<RawTask>(),
    `
  with alive as materialized (${ALIVE}),
  due as materialized (
    select task.run, task.position, task.state as was from {schema}.tasks as task
    where task.expires_at <= (select clock_timestamp()) and exists (select from alive)
    order by task.expires_at limit $limit::integer
    for update of task skip locked
  )
  ${lease(readFirst("due", "run, position"))}`,
  ),

  waiting: statement(
    { queue: TEXT, names: TEXTS, excluded: TEXTS },
    rows<{ readonly waiting: boolean }>(),
    `
  select exists (
    select from {schema}.tasks as task
    where task.state = 'ready' and task.queue = $queue
      and task.available_at <= (select clock_timestamp()) and ${EXECUTABLE}
  ) as waiting`,
  ),

  openRate: statement(
    { queue: TEXT, permits: NUMBER },
    NO_ROWS,
    `
  insert into {schema}.queue_rates (queue, permits, refilled_at)
  values ($queue, $permits::float8, clock_timestamp())
  on conflict (queue) do nothing`,
  ),

  next: statement(
    { queues: TEXTS, since: NUMBER },
    rows<{ readonly at: number | null }>(),
    `
  select ${milliseconds("min(at)")} as at from (
    (
      select min(available_at) as at from unnest($queues::text[]) as served (queue)
      join {schema}.tasks as task on task.queue = served.queue and task.state = 'ready'
      where task.available_at > ${timestamp("$since::float8")}
    )
    union all
    (
      select expires_at from {schema}.tasks where expires_at is not null
      order by expires_at limit 1
    )
  ) as times`,
  ),
};
