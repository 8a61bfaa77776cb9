/**
 * The statements that give runs to nodes and take them back. See `src/store/runs/run_store.ts` for
 * the invariants.
 *
 * @module
 */

import type { ClaimedRun, RunRow } from "../../ports/rows.ts";
import { CLOCK, milliseconds, readFirst, specifierIdsOf } from "../sql/fragments.ts";
import { BIGINTS, INTEGERS, nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";
import { ALIVE, IDLE_STATE, noted, withMail } from "./fragments.ts";

/** A token that no earlier holder can have: random, and exact as a JavaScript number. */
const NEW_TOKEN = "floor(random() * 9007199254740991)::bigint";

const CLAIMED = `
  run.id, run.namespace, run.run_id as "runId", run.workflow, run.specifier_id,
  run.input::text as input, run.seed, ${milliseconds("run.started_at")} as "startedAt", run.token,
  run.claims_since_progress as claims, run.first_seq as "firstSeq", run.delivered_seq as "deliveredSeq", run.generation, run.attempt,
  ${
  milliseconds("run.deadline")
} as deadline, run.policy::text as policy, run.fork_of::text as origin, run.trace,
  ${milliseconds("run.created_at")} as "createdAt", ${milliseconds("run.start_at")} as "startAt"`;

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
    select run.id, run.started_at is not null as began, run.wake_at from {schema}.runs as run
    where run.wake_at <= (select clock_timestamp()) and ${which}
      and run.specifier_id <> all(${
    specifierIdsOf("$excluded::text[]")
  }) and exists (select from alive)
    order by run.wake_at limit ${limit}
    for update of run skip locked`;
  return `
  with alive as materialized (${ALIVE}),
  first as materialized (${due(first, "$limit::integer")}
  ),
  rest as materialized (${due(rest, "$limit::integer - (select count(*) from first)")}
  ),
  due as (select id, began, wake_at from first union all select id, began, wake_at from rest),
  claimed as (
    update {schema}.runs as run set
      state = 'running',
      node = $node,
      token = ${NEW_TOKEN},
      wake_at = null,
      waits = null,
      started_at = coalesce(run.started_at, ${CLOCK}),
      claims_since_progress = least(run.claims_since_progress + 1, 32767)
    from ${readFirst("due", "id")} where run.id = due.id
    returning ${CLAIMED}, due.began, ${milliseconds("due.wake_at")} as "dueAt"
  ),
  ${noted("select $node, id from claimed")}
  ${withCode("claimed")}`;
}

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

const SEIZED = "id = $id and node = $node and token = $token::bigint";

/** A run that was held before its time has not begun. */
const BEGUN_AT = `case when start_at > ${CLOCK} then null else started_at end`;

/**
 * A run that was parked is parked again, unless it has an unread cancellation, or a message that
 * this statement's snapshot may not have: then it is due, and the node that claims it decides.
 */
const STAYS_PARKED = `($reason::text is not null
      and wake_seq = (select seen.wake_seq from {schema}.runs as seen where seen.id = $id)
      and not exists (
        select from {schema}.inbox as message where message.run = $id and message.kind = 'cancel'
      ))`;

const PIN = {
  id: NUMBER,
  node: TEXT,
  token: NUMBER,
  hash: TEXT,
  specifier: TEXT,
  payload: TEXT,
  positions: INTEGERS,
  definitions: TEXTS,
};

/** Pins a held run to another version. */
function pinned(held: string, changes: string): string {
  return `
  with clock as materialized (select ${CLOCK} as at),
  pinned as (
    update {schema}.runs set
      specifier_id = {schema}.specifier_id_of($hash, $specifier),
      delivered_seq = case
        when next_seq > first_seq then greatest(delivered_seq, next_seq - 1) else delivered_seq
      end,
      next_seq = next_seq + 1,
      claims_since_progress = 0${changes}
    where ${held}
    returning id, next_seq - 1 as seq
  ),
  moved as (
    update {schema}.tasks as task set hash = $hash, definition = given.definition
    from pinned, unnest($positions::integer[], $definitions::text[]) as given (position, definition)
    where task.run = pinned.id and task.position = given.position and task.hash is not null
  )
  insert into {schema}.events (run, seq, at, kind, name, payload)
  select pinned.id, pinned.seq, clock.at, 'version.changed', '', $payload::text::json
  from pinned cross join clock
  returning run as id`;
}

/** The statements on leases of runs. */
export const LEASE_STATEMENTS = {
  claim: statement(
    { node: TEXT, limit: NUMBER, excluded: TEXTS },
    rows<ClaimedRun>(),
    claim(BEGUN, TO_START),
  ),
  claimStarts: statement(
    { node: TEXT, limit: NUMBER, excluded: TEXTS },
    rows<ClaimedRun>(),
    claim(TO_START, BEGUN),
  ),
  held: statement(
    { node: TEXT, ids: BIGINTS },
    rows<ClaimedRun>(),
    withCode(`(
    select ${CLAIMED}, true as began from {schema}.runs as run
    where run.id = any($ids::bigint[]) and run.node = $node and run.token is not null
  )`),
  ),
  nextWake: statement({ excluded: TEXTS }, rows<{ readonly at: number }>(), NEXT_WAKE),
  woken: statement(
    { node: TEXT },
    rows<{ readonly id: number }>(),
    withMail(`
  select run.id from (
    select distinct unnest(runs) as id from {schema}.leases where node = $node
  ) as given join {schema}.runs as run using (id)
  where run.node = $node`),
  ),

  seize: statement(
    { node: TEXT, token: NUMBER, runId: TEXT, namespace: TEXT },
    rows<ClaimedRun & { readonly state: RunRow["state"] }>(),
    `
  with alive as materialized (${ALIVE}),
  idle as materialized (
    select id, state from {schema}.runs
    where run_id = $runId and namespace is not distinct from $namespace and ended_at is null
      and node is null and state <> 'queued' and exists (select from alive)
    for update skip locked
  ),
  seized as (
    update {schema}.runs as run set
      state = 'running',
      node = $node,
      token = $token::bigint,
      wake_at = null,
      waits = null,
      stuck_reason = null,
      started_at = coalesce(run.started_at, ${CLOCK})
    from idle where run.id = idle.id
    returning ${CLAIMED}, true as began, idle.state
  ),
  ${noted("select $node, id from seized")}
  ${withCode("seized")}`,
  ),

  putBack: statement(
    { id: NUMBER, node: TEXT, token: NUMBER, state: TEXT, reason: nullable(TEXT) },
    rows<{ readonly id: number }>(),
    `
  update {schema}.runs set
    state = case when ${STAYS_PARKED} then $state::text else ${IDLE_STATE} end,
    stuck_reason = case when ${STAYS_PARKED} then $reason::text::json end,
    wake_at = case when ${STAYS_PARKED} then null else greatest(${CLOCK}, start_at) end,
    started_at = ${BEGUN_AT},
    node = null,
    token = null
  where ${SEIZED}
  returning id`,
  ),

  // The holder of these runs does not know of them: a claim of which nothing came.
  giveBack: statement(
    { node: TEXT, ids: BIGINTS, tokens: BIGINTS },
    rows<{ readonly id: number }>(),
    `
  update {schema}.runs as run set
    state = ${IDLE_STATE},
    stuck_reason = null,
    wake_at = greatest(${CLOCK}, start_at),
    started_at = ${BEGUN_AT},
    since = ${CLOCK},
    claims_since_progress = greatest(claims_since_progress - 1, 0),
    node = null,
    token = null
  from unnest($ids::bigint[], $tokens::bigint[]) as given (id, token)
  where run.id = given.id and run.token = given.token and run.node = $node
  returning run.id`,
  ),

  pin: statement(
    PIN,
    rows<{ readonly id: number }>(),
    pinned(
      SEIZED,
      `,
      state = 'suspended',
      wake_at = greatest((select at from clock), start_at),
      started_at = ${BEGUN_AT},
      node = null,
      token = null`,
    ),
  ),

  // The node keeps the lease.
  repin: statement(
    { ...PIN, next: NUMBER },
    rows<{ readonly id: number }>(),
    pinned(`${SEIZED} and next_seq = $next::integer`, ""),
  ),
};
