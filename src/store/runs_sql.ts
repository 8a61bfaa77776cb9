/**
 * The statements on runs. See `src/store/runs.ts` for the rules that they keep.
 *
 * @module
 */

import { IDLE_STATE } from "./journal_sql.ts";
import type { SchemaName } from "./schema_name.ts";
import { CLOCK, milliseconds } from "./sql.ts";

/** A token that no earlier holder can have: random, and exact as a JavaScript number. */
const NEW_TOKEN = "floor(random() * 9007199254740991)::bigint";

/** L1: holds the node's row, so that it can't be buried before this statement has committed. */
const ALIVE = "select id from {schema}.nodes where id = $1 for key share";

/** In order of ids, so that two batches with the same ids wait for each other in one direction. */
const INSERT = `
  with clock as materialized (select ${CLOCK} as at),
  given as materialized (
    select * from unnest(
      $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
      $8::bigint[]
    ) as given (run_id, workflow, hash, specifier, input, seed, node, token)
  ),
  alive as materialized (
    select id from {schema}.nodes where id in (select node from given) order by id for key share
  )
  insert into {schema}.runs (
    run_id, workflow, hash, specifier, input, seed, state, node, token, claims_since_progress,
    wake_at, created_at, started_at
  )
  select given.run_id, given.workflow, given.hash, given.specifier, given.input::json, given.seed,
    case when alive.id is null then 'pending' else 'running' end,
    alive.id,
    case when alive.id is not null then given.token end,
    case when alive.id is null then 0 else 1 end,
    case when alive.id is null then clock.at end,
    clock.at,
    case when alive.id is not null then clock.at end
  from given cross join clock left join alive on alive.id = given.node
  order by given.run_id collate "C"
  on conflict (run_id) do nothing
  returning id, run_id as "runId", ${milliseconds("created_at")} as at`;

const TAKEN = `
  select id, run_id as "runId", ${milliseconds("coalesce(started_at, created_at)")} as at
  from {schema}.runs where run_id = any($1::text[])`;

const CLAIMED = `
  run.id, run.run_id as "runId", run.workflow, run.hash, run.specifier, run.input::text as input,
  run.seed, ${milliseconds("run.started_at")} as "startedAt", run.token,
  run.claims_since_progress as claims`;

/** The clock stands in a sub-select: read once, it can bound the scan of the index. */
const CLAIM = `
  with alive as materialized (${ALIVE}),
  due as materialized (
    select run.id from {schema}.runs as run
    where run.wake_at <= (select clock_timestamp())
      and run.hash <> all($3::text[]) and exists (select from alive)
    order by run.wake_at limit $2::integer
    for update of run skip locked
  )
  update {schema}.runs as run set
    state = 'running',
    node = $1,
    token = ${NEW_TOKEN},
    wake_at = null,
    waits = null,
    started_at = coalesce(run.started_at, ${CLOCK}),
    claims_since_progress = least(run.claims_since_progress + 1, 32767)
  from due where run.id = due.id
  returning ${CLAIMED}`;

const NEXT_WAKE = `
  select ${milliseconds("wake_at")} as at from {schema}.runs
  where wake_at is not null and hash <> all($1::text[])
  order by wake_at limit 1`;

const WOKEN = `
  select run.id from {schema}.runs as run
  where run.node = $1 and exists (select from {schema}.inbox as message where message.run = run.id)
  order by run.id`;

/** W1: the message, and what wakes its reader, or neither. */
const DELIVER = `
  with woken as (
    update {schema}.runs set
      wake_seq = wake_seq + 1,
      wake_at = case
        when state in ('pending', 'suspended') then least(wake_at, ${CLOCK})
      end
    where run_id = $1 and ended_at is null and not exists (
      select from {schema}.deliveries as delivery
      where delivery.run = runs.id and delivery.kind = $2 and delivery.name = $3
        and delivery.delivery_id = $5
    )
    returning id, node
  ),
  message as (
    insert into {schema}.inbox (run, kind, name, payload)
    select id, $2, $3, $4::text::json from woken
    returning id, run
  ),
  noted as (
    insert into {schema}.deliveries (run, kind, name, delivery_id, message)
    select run, $2, $3, $5, id from message where $5::text is not null
  )
  select message.id, woken.node from message join woken on woken.id = message.run`;

const DELIVERED = `
  select run.state, run.node, delivery.message
  from {schema}.runs as run left join {schema}.deliveries as delivery
    on delivery.run = run.id and delivery.kind = $2 and delivery.name = $3
    and delivery.delivery_id = $4
  where run.run_id = $1`;

const RUN = `
  select run.id, run.run_id as "runId", run.workflow, run.hash, version.label as "versionLabel",
    run.specifier, run.state, run.input::text as input, run.seed, run.result::text as result,
    run.error::text as error, run.stuck_reason::text as "stuckReason", run.waits::text as waits,
    run.node, ${milliseconds("run.wake_at")} as "wakeAt", run.next_seq as events,
    ${milliseconds("run.created_at")} as "createdAt",
    ${milliseconds("run.started_at")} as "startedAt", ${milliseconds("run.since")} as since,
    ${milliseconds("run.ended_at")} as "endedAt"
  from {schema}.runs as run join {schema}.workflow_versions as version on version.hash = run.hash`;

const GET = `${RUN} where run.run_id = $1`;

const LIST = `
  ${RUN}
  where ($1::text is null or run.workflow = $1) and ($2::text is null or run.hash = $2)
    and ($3::text[] is null or run.state = any($3))
  order by run.id desc limit $4::integer`;

const WATCH = `
  update {schema}.runs set watched = true
  where run_id = $1 and not watched and ended_at is null`;

const HISTORY = `
  select event.seq, event.kind, event.position, event.name, event.digest,
    event.payload::text as payload, ${milliseconds("event.at")} as at
  from {schema}.events as event
  where event.run = (select id from {schema}.runs where run_id = $1) and event.seq >= $2::integer
  order by event.seq limit $3::integer`;

const UNPARK = `
  update {schema}.runs set
    state = ${IDLE_STATE},
    stuck_reason = null,
    wake_at = ${CLOCK},
    claims_since_progress = 0
  where run_id = $1 and stuck_reason is not null
  returning id`;

const END = `
  update {schema}.runs set
    state = $2,
    error = $3::text::json,
    node = null,
    token = null,
    wake_at = null,
    waits = null,
    stuck_reason = null,
    since = ${CLOCK},
    ended_at = ${CLOCK}
  where run_id = $1 and ended_at is null and (not $4::boolean or stuck_reason is not null)`;

const SEIZE = `
  with alive as materialized (${ALIVE}),
  idle as materialized (
    select id, state from {schema}.runs
    where run_id = $3 and ended_at is null and node is null and exists (select from alive)
    for update skip locked
  )
  update {schema}.runs as run set
    state = 'running',
    node = $1,
    token = $2::bigint,
    wake_at = null,
    waits = null,
    stuck_reason = null,
    started_at = coalesce(run.started_at, ${CLOCK})
  from idle where run.id = idle.id
  returning ${CLAIMED}, idle.state`;

const SEIZED = "id = $1 and node = $2 and token = $3::bigint";

const PUT_BACK = `
  update {schema}.runs set
    state = case when $5::text is null then ${IDLE_STATE} else $4::text end,
    stuck_reason = $5::text::json,
    wake_at = case when $5::text is null then ${CLOCK} end,
    node = null,
    token = null
  where ${SEIZED}
  returning id`;

const PIN = `
  with clock as materialized (select ${CLOCK} as at),
  pinned as (
    update {schema}.runs set
      hash = $4,
      specifier = $5,
      next_seq = next_seq + 1,
      state = 'suspended',
      claims_since_progress = 0,
      wake_at = (select at from clock),
      node = null,
      token = null
    where ${SEIZED}
    returning id, next_seq - 1 as seq
  )
  insert into {schema}.events (run, seq, at, kind, name, payload)
  select pinned.id, pinned.seq, clock.at, 'version_changed', '', $6::text::json
  from pinned cross join clock
  returning run as id`;

/**
 * The statements on runs in a schema.
 *
 * @param schema Where the tables are.
 * @returns The statements.
 */
export function runStatements(
  schema: SchemaName,
): Record<
  | "insert"
  | "taken"
  | "claim"
  | "nextWake"
  | "woken"
  | "deliver"
  | "delivered"
  | "get"
  | "list"
  | "watch"
  | "history"
  | "unpark"
  | "end"
  | "seize"
  | "putBack"
  | "pin",
  string
> {
  return schema.fillAll({
    insert: INSERT,
    taken: TAKEN,
    claim: CLAIM,
    nextWake: NEXT_WAKE,
    woken: WOKEN,
    deliver: DELIVER,
    delivered: DELIVERED,
    get: GET,
    list: LIST,
    watch: WATCH,
    history: HISTORY,
    unpark: UNPARK,
    end: END,
    seize: SEIZE,
    putBack: PUT_BACK,
    pin: PIN,
  });
}
