/**
 * The statements on runs. See `src/store/runs/run_store.ts` for the rules that they keep.
 *
 * One run is found by its id; its namespace is compared in a way that no index answers. While a
 * table has no statistics, a planner takes an index that knows the namespace for as good as the
 * run's own.
 *
 * @module
 */

import { GENERATIONS, HISTORY } from "./generation_statements.ts";
import { IDLE_STATE } from "./fragments.ts";
import type { SchemaName } from "../schema/name.ts";
import { CLOCK, milliseconds, readFirst, specifierIdsOf } from "../sql/fragments.ts";

/** A token that no earlier holder can have: random, and exact as a JavaScript number. */
const NEW_TOKEN = "floor(random() * 9007199254740991)::bigint";

/** RUN-1: holds the node's row, so that it can't be buried before this statement has committed. */
const ALIVE = "select id from {schema}.nodes where id = $1 for key share";

const CLAIMED = `
  run.id, run.namespace, run.run_id as "runId", run.workflow, run.specifier_id,
  run.input::text as input, run.seed, ${milliseconds("run.started_at")} as "startedAt", run.token,
  run.claims_since_progress as claims, run.first_seq as "firstSeq", run.delivered_seq as "deliveredSeq", run.generation, run.attempt,
  ${milliseconds("run.deadline")} as deadline, run.policy::text as policy`;

/**
 * RUN-2: notes what was given to nodes.
 *
 * @param given Selects nodes and runs.
 * @returns The SQL of a CTE.
 */
export function noted(given: string): string {
  return `noted as (
    insert into {schema}.leases (node, runs)
    select node, array_agg(id) from (${given}) as given (node, id) group by node
  )`;
}

/** Runs that were given away, with their versions. */
function withCode(given: string): string {
  return `select given.*, pin.hash, pin.specifier
  from ${given} as given join {schema}.workflow_specifiers as pin on pin.id = given.specifier_id`;
}

const BEGUN = "run.started_at is not null";
const TO_START = "run.started_at is null";

/**
 * Claims runs that are due. The clock stands in a sub-select: read once, it can bound the scan of
 * an index.
 *
 * @param first Which runs are taken before others, as one of two conditions that have an index
 * each.
 * @param rest Which are taken where there is room left.
 * @returns The statement.
 */
function claim(first: string, rest: string): string {
  const due = (which: string, limit: string) => `
    select run.id, run.started_at is not null as began from {schema}.runs as run
    where run.wake_at <= (select clock_timestamp()) and ${which}
      and run.specifier_id <> all(${specifierIdsOf("$3::text[]")}) and exists (select from alive)
    order by run.wake_at limit ${limit}
    for update of run skip locked`;
  return `
  with alive as materialized (${ALIVE}),
  first as materialized (${due(first, "$2::integer")}
  ),
  rest as materialized (${due(rest, "$2::integer - (select count(*) from first)")}
  ),
  due as (select id, began from first union all select id, began from rest),
  claimed as (
    update {schema}.runs as run set
      state = 'running',
      node = $1,
      token = ${NEW_TOKEN},
      wake_at = null,
      waits = null,
      started_at = coalesce(run.started_at, ${CLOCK}),
      claims_since_progress = least(run.claims_since_progress + 1, 32767)
    from ${readFirst("due", "id")} where run.id = due.id
    returning ${CLAIMED}, due.began
  ),
  ${noted("select $1, id from claimed")}
  ${withCode("claimed")}`;
}

const HELD = withCode(`(
    select ${CLAIMED}, true as began from {schema}.runs as run
    where run.id = any($2::bigint[]) and run.node = $1 and run.token is not null
  )`);

/** When the next run falls due that is on none of the versions `$excluded`. */
export const NEXT_WAKE = `
  select ${milliseconds("min(next.at)")} as at from (
    ${nextOf(BEGUN)} union all ${nextOf(TO_START)}
  ) as next having min(next.at) is not null`;

function nextOf(which: string): string {
  return `(
      select run.wake_at as at from {schema}.runs as run
      where run.wake_at is not null and ${which} and run.specifier_id <> all(${
    specifierIdsOf("$excluded::text[]")
  })
      order by run.wake_at limit 1
    )`;
}

/**
 * Those with messages.
 *
 * @param runs Selects runs' ids.
 * @returns The SQL of a query of runs' ids.
 */
export function withMail(runs: string): string {
  return `
  select run.id from (${runs}) as run
  where exists (select from {schema}.inbox as message where message.run = run.id)
  order by run.id`;
}

const WOKEN = withMail(`
  select run.id from (
    select distinct unnest(runs) as id from {schema}.leases where node = $1
  ) as given join {schema}.runs as run using (id)
  where run.node = $1`);

/** RUN-3. A signal lets a run sleep on that is to start later, or rests: it will be there. */
const DELIVER = `
  with woken as (
    update {schema}.runs set
      wake_seq = wake_seq + 1,
      wake_at = case
        when (state = 'pending' or started_at is null) and $2 = 'signal' then wake_at
        when state in ('pending', 'suspended') then least(wake_at, ${CLOCK})
      end
    where run_id = $1 and namespace is not distinct from $7 and ended_at is null
      and ($6::text is null or specifier_id = any(${specifierIdsOf("array[$6]")})) and not exists (
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
  select message.id as message, message.run, woken.node from message join woken on woken.id = message.run`;

const DELIVERED = `
  select run.id, run.state, run.node, pin.hash, run.ended_at is not null as ended,
    delivery.message
  from {schema}.runs as run join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
  left join {schema}.deliveries as delivery
    on delivery.run = run.id and delivery.kind = $2 and delivery.name = $3
    and delivery.delivery_id = $4
  where run.run_id = $1 and run.namespace is not distinct from $5`;

/** Left joins: what no column of is asked for is not looked up. */
export const FROM_RUN = `
  from {schema}.runs as run
  left join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
  left join {schema}.workflow_versions as version on version.hash = pin.hash`;

/** A run as people see it: what its readers add conditions to. */
export const RUN = `
  select run.id, run.namespace, run.run_id as "runId", run.workflow, pin.hash,
    version.label as "versionLabel",
    pin.specifier, run.state, run.input::text as input, run.seed, run.result::text as result,
    run.error::text as error, run.stuck_reason::text as "stuckReason", run.waits::text as waits,
    run.attributes::text as attributes, run.custom_status::text as "customStatus",
    run.node, ${milliseconds("run.wake_at")} as "wakeAt", run.next_seq - run.first_seq as events,
    run.generation, run.attempt, run.failure::text as failure,
    ${milliseconds("run.deadline")} as deadline, run.policy::text as policy,
    ${milliseconds("run.created_at")} as "createdAt",
    ${milliseconds("run.started_at")} as "startedAt", ${milliseconds("run.since")} as since,
    ${milliseconds("run.ended_at")} as "endedAt"
  ${FROM_RUN}`;

const GET = `${RUN} where run.run_id = $1 and run.namespace is not distinct from $2`;

const UNTAKEN = `
  select name, count(*)::integer as count from {schema}.inbox
  where run = $1::bigint and kind = 'signal' group by name order by name collate "C"`;

const LIST = `
  ${RUN}
  where ($1::text is null or run.workflow = $1) and ($2::text is null or pin.hash = $2)
    and ($3::text[] is null or run.state = any($3))
    and ($5::text is null or run.namespace = $5)
  order by run.id desc limit $4::integer`;

const WATCH = `
  update {schema}.runs set watched = true
  where run_id = $1 and namespace is not distinct from $2 and not watched and ended_at is null`;

const UNPARK = `
  update {schema}.runs set
    state = ${IDLE_STATE},
    stuck_reason = null,
    wake_at = ${CLOCK},
    claims_since_progress = 0
  where run_id = $1 and namespace is not distinct from $2 and stuck_reason is not null
  returning id`;

/** What an end from outside sets in a row, whatever the end. */
export const ENDED = `
    node = null,
    token = null,
    wake_at = null,
    waits = null,
    stuck_reason = null,
    since = ${CLOCK},
    ended_at = ${CLOCK}`;

const END = `
  with ended as (
  update {schema}.runs set
    state = $2,
    error = $3::text::json,
    ${ENDED},
    must_notify = parent is not null or has_children
  where run_id = $1 and namespace is not distinct from $5 and ended_at is null
    and (not $4::boolean or stuck_reason is not null)
  returning id
  )
  delete from {schema}.tasks as task using ended where task.run = ended.id`;

const SEIZE = `
  with alive as materialized (${ALIVE}),
  idle as materialized (
    select id, state from {schema}.runs
    where run_id = $3 and namespace is not distinct from $4 and ended_at is null and node is null and exists (select from alive)
    for update skip locked
  ),
  seized as (
    update {schema}.runs as run set
      state = 'running',
      node = $1,
      token = $2::bigint,
      wake_at = null,
      waits = null,
      stuck_reason = null,
      started_at = coalesce(run.started_at, ${CLOCK})
    from idle where run.id = idle.id
    returning ${CLAIMED}, true as began, idle.state
  ),
  ${noted("select $1, id from seized")}
  ${withCode("seized")}`;

const SEIZED = "id = $1 and node = $2 and token = $3::bigint";

/** A run that was held before its time has not begun. */
const BEGUN_AT = `case when start_at > ${CLOCK} then null else started_at end`;

const PUT_BACK = `
  update {schema}.runs set
    state = case when $5::text is null then ${IDLE_STATE} else $4::text end,
    stuck_reason = $5::text::json,
    wake_at = case when $5::text is null then greatest(${CLOCK}, start_at) end,
    started_at = ${BEGUN_AT},
    node = null,
    token = null
  where ${SEIZED}
  returning id`;

/** A run whose holder knows nothing of it: nothing was done by that claim. */
const GIVE_BACK = `
  update {schema}.runs as run set
    state = ${IDLE_STATE},
    stuck_reason = null,
    wake_at = greatest(${CLOCK}, start_at),
    started_at = ${BEGUN_AT},
    since = ${CLOCK},
    claims_since_progress = greatest(claims_since_progress - 1, 0),
    node = null,
    token = null
  from unnest($2::bigint[], $3::bigint[]) as given (id, token)
  where run.id = given.id and run.token = given.token and run.node = $1
  returning run.id`;

const PIN = `
  with clock as materialized (select ${CLOCK} as at),
  pinned as (
    update {schema}.runs set
      specifier_id = {schema}.specifier_id_of($4, $5),
      delivered_seq = case
        when next_seq > first_seq then greatest(delivered_seq, next_seq - 1) else delivered_seq
      end,
      next_seq = next_seq + 1,
      state = 'suspended',
      claims_since_progress = 0,
      wake_at = greatest((select at from clock), start_at),
      started_at = ${BEGUN_AT},
      node = null,
      token = null
    where ${SEIZED}
    returning id, next_seq - 1 as seq
  ),
  moved as (
    update {schema}.tasks as task set hash = $4, definition = given.definition
    from pinned, unnest($7::integer[], $8::text[]) as given (position, definition)
    where task.run = pinned.id and task.position = given.position and task.hash is not null
  )
  insert into {schema}.events (run, seq, at, kind, name, payload)
  select pinned.id, pinned.seq, clock.at, 'version.changed', '', $6::text::json
  from pinned cross join clock
  returning run as id`;

const SET_ATTRIBUTES = `
  update {schema}.runs set attributes = (attributes - $3::text[]) || $4::text::jsonb
  where run_id = $1 and namespace is not distinct from $2
  returning id`;

/**
 * The statements on runs in a schema.
 *
 * @param schema Where the tables are.
 * @returns The statements.
 */
export function runStatements(
  schema: SchemaName,
): Record<
  | "claim"
  | "claimStarts"
  | "held"
  | "giveBack"
  | "woken"
  | "deliver"
  | "delivered"
  | "get"
  | "list"
  | "untaken"
  | "watch"
  | "history"
  | "generations"
  | "unpark"
  | "end"
  | "seize"
  | "putBack"
  | "pin"
  | "version"
  | "setAttributes",
  string
> {
  return schema.fillAll({
    claim: claim(BEGUN, TO_START),
    claimStarts: claim(TO_START, BEGUN),
    held: HELD,
    giveBack: GIVE_BACK,
    woken: WOKEN,
    deliver: DELIVER,
    delivered: DELIVERED,
    get: GET,
    untaken: UNTAKEN,
    list: LIST,
    watch: WATCH,
    history: HISTORY,
    generations: GENERATIONS,
    unpark: UNPARK,
    end: END,
    seize: SEIZE,
    putBack: PUT_BACK,
    pin: PIN,
    version: `select run.run_id as "runId", pin.hash ${FROM_RUN}
      where run.run_id = any($1::text[]) and run.namespace is not distinct from $2`,
    setAttributes: SET_ATTRIBUTES,
  });
}
