/**
 * The statements that append to histories, and their parameters. See `src/store/journal/append.ts`
 * for the invariants (JOURNAL-1 to JOURNAL-5).
 *
 * @module
 */

import type { AttributesChange } from "../../base/attributes.ts";
import { legibleJson } from "../../base/text.ts";
import type { CommitEntry, NewEvent, Transition } from "../../ports/rows.ts";
import { isSaid } from "../../replay/notes.ts";
import { CLOCK, columnLiteral, milliseconds, timestamp } from "../sql/fragments.ts";
import {
  BIGINTS,
  FLOATS,
  INTEGERS,
  nullable,
  NUMBER,
  TEXT,
  TEXTS,
  unnested,
  written,
} from "../sql/parameters.ts";
import { rows, statement, type ValuesOf } from "../sql/statement.ts";

/** One row for a whole flush: the runs whose shares are written. */
export interface WrittenRow {
  /** The database's time. */
  readonly at: number;
  /** A JSON array of ids, as are the others; `null`: none. */
  readonly ids: string | null;
  /** The runs for whose end a caller waits. */
  readonly watched: string | null;
  /** The runs that ended and whose parent or children another transaction has to notify. */
  readonly mustNotify: string | null;
}

/** What is written to the rows of runs, a list for each column. */
const SHARES = written({
  id: BIGINTS,
  token: BIGINTS,
  first: INTEGERS,
  n: INTEGERS,
  target: TEXTS,
  wakeAt: FLOATS,
  wakeSeq: INTEGERS,
  waits: TEXTS,
  afterMs: FLOATS,
  result: TEXTS,
  error: TEXTS,
  reason: TEXTS,
  attributes: TEXTS,
  removed: TEXTS,
  customStatus: TEXTS,
  deliveredSeq: INTEGERS,
  trace: TEXTS,
  says: INTEGERS,
});

/** The events of all shares, a list for each column. */
const EVENTS = written({
  run: BIGINTS,
  seq: INTEGERS,
  position: INTEGERS,
  kind: TEXTS,
  name: TEXTS,
  digest: TEXTS,
  payload: TEXTS,
});

const PARAMETERS = {
  ...SHARES,
  ...EVENTS,
  ...written({
    consumedRun: BIGINTS,
    consumedId: BIGINTS,
    answeredRun: BIGINTS,
    answeredPosition: INTEGERS,
    endedRun: BIGINTS,
  }),
};

type Parameters = ValuesOf<typeof PARAMETERS>;

/** The large texts of one share that is written alone. */
const LARGE_PARAMETERS = {
  largeSeq: nullable(NUMBER),
  largePayload: nullable(TEXT),
  largeResult: nullable(TEXT),
};

type Large = ValuesOf<typeof LARGE_PARAMETERS>;

const SHARE_ROWS = `
  clock as materialized (select ${CLOCK} as at),
  shares as (select * from ${unnested("share", SHARES)})`;

/** JOURNAL-1 and JOURNAL-5: who may write. */
const FENCE = `
  run.id = share.id and run.token = share.token and run.next_seq = share.first
  and (share.wake_seq is null or share.wake_seq = run.wake_seq)`;

/** JOURNAL-2: takes the rows that no session holds, in one order for all writers. */
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

/** In array literals, like all other values. */
const TOGETHER: Texts = { payload: "event.payload", result: "share.result" };

/**
 * The one large payload, or the result, of one share alone is a parameter of its own: in an array
 * literal it would be escaped, read and copied once more.
 */
const APART: Texts = {
  payload:
    "case when event.seq = $largeSeq::integer then $largePayload::text else event.payload end",
  result: "coalesce($largeResult::text, share.result)",
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
      must_notify = run.must_notify or share.says is not null and run.is_awaited or coalesce(
        share.target in ('completed', 'failed', 'cancelled', 'terminated'), false
      ) and (run.parent is not null or run.has_children or run.is_awaited),
      attributes = case
        when share.attributes is null then run.attributes
        else (run.attributes - array(select json_array_elements_text(share.removed::json)))
          || share.attributes::jsonb
      end,
      custom_status = coalesce(share.custom_status::json, run.custom_status),
      trace = coalesce(share.trace, run.trace),
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
    from ${unnested("event", EVENTS)}
    join written on written.id = event.run
    cross join clock
  ),
  consumed as (
    delete from {schema}.inbox as message
    using unnest($consumedRun::bigint[], $consumedId::bigint[]) as read (run, id), written
    where message.id = read.id and message.run = read.run and written.id = read.run
  ),
  answered as (
    delete from {schema}.tasks as task
    using unnest($answeredRun::bigint[], $answeredPosition::integer[]) as read (run, position), written
    where task.run = read.run and task.position = read.position and written.id = read.run
  ),
  leftover as (
    delete from {schema}.tasks as task
    using unnest($endedRun::bigint[]) as ended (run), written
    where task.run = ended.run and written.id = ended.run
  )
  select (select ${milliseconds("at")} from clock) as at,
    json_agg(id)::text as ids,
    (json_agg(id) filter (where watched))::text as watched,
    (json_agg(id) filter (where "mustNotify"))::text as "mustNotify"
  from written`;
}

/** Appends at once; it fails if another session holds a row. */
function appendOnce(texts: Texts): string {
  return `with ${SHARE_ROWS}, ${append("shares as share, clock", FENCE, texts)}`;
}

/**
 * Appends to the rows that no other session holds. The statement compares the fence a second time,
 * since a row may change before this statement locks it.
 */
function appendSkipping(texts: Texts): string {
  const held = `held.id = run.id and ${FENCE}`;
  return `with ${SHARE_ROWS}, ${HELD}, ${append("shares as share, clock, held", held, texts)}`;
}

/** The statements that append. */
export const APPEND_STATEMENTS = {
  append: statement(PARAMETERS, rows<WrittenRow>(), appendOnce(TOGETHER)),
  appendSkipping: statement(PARAMETERS, rows<WrittenRow>(), appendSkipping(TOGETHER)),
  appendLarge: statement(
    { ...PARAMETERS, ...LARGE_PARAMETERS },
    rows<WrittenRow>(),
    appendOnce(APART),
  ),
  appendLargeSkipping: statement(
    { ...PARAMETERS, ...LARGE_PARAMETERS },
    rows<WrittenRow>(),
    appendSkipping(APART),
  ),
};

/** Characters from which a text of a share that is written alone is a parameter of its own. */
const LARGE = 1_048_576;

/**
 * Finds the texts of a share that are parameters of their own.
 *
 * @param entry The share, which is written alone.
 * @returns The largest payload and the result, if they are large; `undefined` if neither is.
 */
export function largeIn({ first, events, transition }: CommitEntry): Large | undefined {
  const length = (event: NewEvent | undefined) => event?.payload?.length ?? 0;
  let at = 0;
  for (let index = 1; index < events.length; index++) {
    if (length(events[index]) > length(events[at])) at = index;
  }
  const isLarge = length(events[at]) >= LARGE;
  const result = transition && "result" in transition ? transition.result : null;
  const isLargeResult = (result?.length ?? 0) >= LARGE;
  if (!isLarge && !isLargeResult) return undefined;
  return {
    largeSeq: isLarge ? first + at : null,
    largePayload: isLarge ? events[at]!.payload : null,
    largeResult: isLargeResult ? result : null,
  };
}

/**
 * The parameters of shares.
 *
 * @param entries The shares.
 * @param large The texts that are parameters of their own, and stay out of the lists.
 * @returns The parameters of all statements; those for large texts take `large` too.
 */
export function shareParameters(entries: readonly CommitEntry[], large?: Large): Parameters {
  const moved = (of: (transition: Transition) => string | number | null | undefined) =>
    columnLiteral(entries, ({ transition }) => transition && of(transition));
  const events = entries.flatMap(({ run, first, events }) =>
    events.map((event, index) => ({ run, seq: first + index, event }))
  );
  const written = (of: (event: NewEvent) => string | number | null) =>
    columnLiteral(events, ({ event }) => of(event));
  const said = entries.map(({ events }) => saidOf(events));
  const consumed = entries.flatMap(({ run, consumed }) =>
    consumed.map((message) => ({ run, message }))
  );
  const answered = entries.flatMap(({ run, answered = [] }) =>
    answered.map((position) => ({ run, position }))
  );
  const ended = entries.filter(({ transition }) => transition && "result" in transition);
  return {
    id: columnLiteral(entries, ({ run }) => run),
    token: columnLiteral(entries, ({ token }) => token),
    first: columnLiteral(entries, ({ first }) => first),
    n: columnLiteral(entries, ({ events }) => events.length),
    target: moved(({ to }) => to),
    wakeAt: moved((to) => to.to === "suspended" ? to.wakeAt : null),
    wakeSeq: moved((to) => "wakeSeq" in to ? to.wakeSeq : null),
    waits: moved((to) => "waits" in to ? legibleJson(to.waits) : null),
    afterMs: moved((to) => to.to === "released" ? to.afterMs : null),
    result: moved((to) => "result" in to && large?.largeResult !== to.result ? to.result : null),
    error: moved((to) => "error" in to ? to.error : null),
    reason: moved((to) => "reason" in to ? legibleJson(to.reason) : null),
    attributes: columnLiteral(said, (said) => said?.attributes),
    removed: columnLiteral(said, (said) => said?.removed),
    customStatus: columnLiteral(said, (said) => said?.customStatus),
    deliveredSeq: columnLiteral(entries, ({ deliveredSeq }) => deliveredSeq),
    trace: columnLiteral(entries, ({ trace }) => trace),
    says: columnLiteral(entries, ({ events }) => events.some(isSaid) ? 1 : null), // AWAIT-2
    run: columnLiteral(events, ({ run }) => run),
    seq: columnLiteral(events, ({ seq }) => seq),
    position: written(({ position }) => position),
    kind: written(({ kind }) => kind),
    name: written(({ name }) => name),
    digest: written(({ digest }) => digest),
    payload: columnLiteral(
      events,
      ({ event, seq }) => seq === large?.largeSeq ? null : event.payload,
    ),
    consumedRun: columnLiteral(consumed, ({ run }) => run),
    consumedId: columnLiteral(consumed, ({ message }) => message),
    answeredRun: columnLiteral(answered, ({ run }) => run),
    answeredPosition: columnLiteral(answered, ({ position }) => position),
    endedRun: columnLiteral(ended, ({ run }) => run),
  };
}

interface Said {
  /** A JSON object that is merged, after the names of a JSON array were removed; or both null. */
  readonly attributes: string | null;
  readonly removed: string | null;
  readonly customStatus: string | null;
}

/** What events say of their run: the row shows it, so that it can be searched and read. */
function saidOf(events: readonly NewEvent[]): Said | null {
  if (!events.some(({ kind }) => kind === "attributes.set" || kind === "status.set")) return null;
  const attributes = new Map<string, unknown>();
  const removed = new Set<string>();
  let customStatus: string | null = null;
  let isSet = false;
  for (const { kind, payload } of events) {
    if (kind === "status.set") customStatus = payload;
    if (kind !== "attributes.set" || payload === null) continue;
    isSet = true;
    const change = JSON.parse(payload) as AttributesChange;
    for (const name of change.remove) {
      attributes.delete(name);
      removed.add(name);
    }
    for (const entry of Object.entries(JSON.parse(change.set))) attributes.set(...entry);
  }
  return {
    attributes: isSet ? JSON.stringify(Object.fromEntries(attributes)) : null,
    removed: isSet ? JSON.stringify([...removed]) : null,
    customStatus,
  };
}
