/**
 * The journal's statements. See `src/store/journal/append.ts` for the rules (JOURNAL-1 to JOURNAL-5) that they
 * keep.
 *
 * @module
 */

import type { SchemaName } from "../schema/name.ts";
import { CLOCK, milliseconds, timestamp } from "../sql/fragments.ts";

/** Idle runs without a history have done nothing yet: they are pending, the others suspended. */
export const IDLE_STATE = "case when next_seq = 0 then 'pending' else 'suspended' end";

const SHARES = `
  clock as materialized (select ${CLOCK} as at),
  shares as (
    select * from unnest(
      $1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::text[], $6::float8[],
      $7::integer[], $8::text[], $9::float8[], $10::text[], $11::text[], $12::text[],
      $22::text[], $23::text[], $24::text[], $28::integer[]
    ) as share (
      id, token, first, n, target, wake_at, wake_seq, waits, after_ms, result, error, reason,
      attributes, removed, custom_status, delivered_seq
    )
  )`;

/** JOURNAL-1 and JOURNAL-5: who may write. */
const FENCE = `
  run.id = share.id and run.token = share.token and run.next_seq = share.first
  and (share.wake_seq is null or share.wake_seq = run.wake_seq)`;

/** JOURNAL-2: takes the rows that nobody holds, in one order for all writers. */
const HELD = `
  held as materialized (
    select run.id from {schema}.runs as run join shares as share on ${FENCE}
    order by run.id for update of run skip locked
  )`;

const IDLE_TARGET = `case when run.next_seq + share.n = 0 then 'pending' else 'suspended' end`;

/** Where large texts of shares are. */
interface Texts {
  readonly payload: string;
  readonly result: string;
}

/** In array literals, as all else. */
const TOGETHER: Texts = { payload: "event.payload", result: "share.result" };

/**
 * The one large payload, or the result, of one share alone is a parameter of its own: in an array
 * literal it would be escaped, read and copied once more.
 */
const APART: Texts = {
  payload: "case when event.seq = $29::integer then $30::text else event.payload end",
  result: "coalesce($31::text, share.result)",
};

/** Without a transition every column but the first three keeps its value: a heap-only update. */
function append(from: string, condition: string, { payload, result }: Texts): string {
  return `
  written as (
    update {schema}.runs as run set
      next_seq = run.next_seq + share.n,
      delivered_seq = coalesce(share.delivered_seq, run.delivered_seq),
      claims_since_progress = case
        when share.n > 0 then 0
        when share.target = 'released' then greatest(run.claims_since_progress - 1, 0)
        when share.target is not null then 0
        else run.claims_since_progress
      end,
      state = case
        when share.target is null then run.state
        when share.target = 'released' then ${IDLE_TARGET}
        else share.target
      end,
      node = case when share.target is null then run.node end,
      token = case when share.target is null then run.token end,
      wake_at = case
        when share.target = 'suspended' then ${timestamp("share.wake_at")}
        when share.target = 'released' then clock.at + share.after_ms * interval '1 millisecond'
        else run.wake_at
      end,
      since = case when share.target is null then run.since else clock.at end,
      ended_at = case
        when share.target in ('completed', 'failed', 'cancelled', 'terminated') then clock.at
      end,
      must_notify = coalesce(
        share.target in ('completed', 'failed', 'cancelled', 'terminated'), false
      ) and (run.parent is not null or run.has_children),
      attributes = case
        when share.attributes is null then run.attributes
        else (run.attributes - array(select json_array_elements_text(share.removed::json)))
          || share.attributes::jsonb
      end,
      custom_status = coalesce(share.custom_status::json, run.custom_status),
      waits = share.waits::json,
      result = (${result})::json,
      error = share.error::json,
      stuck_reason = share.reason::json
    from ${from}
    where ${condition}
    returning run.id, run.watched, run.must_notify as "mustNotify"
  ),
  appended as (
    insert into {schema}.events (run, seq, position, at, kind, name, digest, payload)
    select event.run, event.seq, event.position, clock.at, event.kind::{schema}.event_kind,
      event.name, event.digest, (${payload})::json
    from unnest(
      $13::bigint[], $14::integer[], $15::integer[], $16::text[], $17::text[], $18::text[],
      $19::text[]
    ) as event (run, seq, position, kind, name, digest, payload)
    join written on written.id = event.run
    cross join clock
  ),
  consumed as (
    delete from {schema}.inbox as message
    using unnest($20::bigint[], $21::bigint[]) as read (run, id), written
    where message.id = read.id and message.run = read.run and written.id = read.run
  ),
  answered as (
    delete from {schema}.tasks as task
    using unnest($25::bigint[], $26::integer[]) as read (run, position), written
    where task.run = read.run and task.position = read.position and written.id = read.run
  ),
  leftover as (
    delete from {schema}.tasks as task
    using unnest($27::bigint[]) as ended (run), written
    where task.run = ended.run and written.id = ended.run
  )
  select (select ${milliseconds("at")} from clock) as at,
    json_agg(id)::text as ids,
    (json_agg(id) filter (where watched))::text as watched,
    (json_agg(id) filter (where "mustNotify"))::text as "mustNotify"
  from written`;
}

function appendOnce(texts: Texts): string {
  return `with ${SHARES}, ${append("shares as share, clock", FENCE, texts)}`;
}

// The fence again: between looking and locking, the row may have changed.
function appendSkipping(texts: Texts): string {
  const held = `held.id = run.id and ${FENCE}`;
  return `with ${SHARES}, ${HELD}, ${append("shares as share, clock, held", held, texts)}`;
}

const FENCES = `
  select id, token, next_seq, wake_seq, ended_at is not null as ended
  from {schema}.runs where id = any($1::bigint[])`;

/**
 * One statement is one snapshot: the inbox that is read belongs to the wake_seq that is read. A row
 * for each run, a JSON array for each column of its history: a long one is read in half the time
 * that a row for each event takes. Payloads that are larger together than was asked for stay away.
 */
const LOAD = `
  select run.id, run.token, run.wake_seq as "wakeSeq", run.generation, run.first_seq as "firstSeq",
    run.next_seq as "nextSeq", history.seqs, history.kinds, history.positions, history.names,
    history.digests, history.times,
    case when octet_length(history.payloads) <= $4::integer then history.payloads end as payloads,
    octet_length(history.payloads) > $4::integer as large,
    mail.messages, task.positions as tasks
  from unnest($1::bigint[], $2::integer[], $3::integer[]) as asked (run, first, past)
  join {schema}.runs as run on run.id = asked.run
  cross join lateral (
    select json_agg(seq)::text as seqs, json_agg(kind)::text as kinds,
      json_agg(position)::text as positions, json_agg(name)::text as names,
      json_agg(digest)::text as digests, json_agg(payload)::text as payloads,
      json_agg(at)::text as times
    from (
      select seq, kind, position, name, digest, payload::text as payload, ${
  milliseconds("at")
} as at
      from {schema}.events where run = asked.run and seq >= asked.first and seq < asked.past
      order by seq
    ) as event
  ) as history
  cross join lateral (
    select json_agg(json_build_array(id, kind, name, position, payload::text) order by id)::text
      as messages
    from {schema}.inbox where run = asked.run
  ) as mail
  cross join lateral (
    select json_agg(position)::text as positions from {schema}.tasks where run = asked.run
  ) as task`;

/**
 * The journal's statements in a schema.
 *
 * @param schema Where the tables are.
 * @returns The statements.
 */
export function journalStatements(
  schema: SchemaName,
): Record<
  "append" | "appendSkipping" | "appendLarge" | "appendLargeSkipping" | "fences" | "load",
  string
> {
  return schema.fillAll({
    append: appendOnce(TOGETHER),
    appendSkipping: appendSkipping(TOGETHER),
    appendLarge: appendOnce(APART),
    appendLargeSkipping: appendSkipping(APART),
    fences: FENCES,
    load: LOAD,
  });
}
