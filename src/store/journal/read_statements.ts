/**
 * The statements that read histories and fences, and what their rows mean. See
 * `src/store/journal/append.ts` for the invariants (JOURNAL-1 to JOURNAL-5).
 *
 * @module
 */

import type { EventRow, InboxRow, LoadedRun } from "../../ports/rows.ts";
import { milliseconds } from "../sql/fragments.ts";
import { BIGINTS, INTEGERS, NUMBER } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";

/** How a run's row stands. */
export interface FenceRow {
  id: number;
  token: number | null;
  next_seq: number;
  wake_seq: number;
  ended: boolean;
}

/** A run as it is read: JSON arrays, or `null` for empty ones. */
export interface LoadRow extends Record<EventColumn, string | null> {
  id: number;
  token: number | null;
  wakeSeq: number;
  generation: number;
  firstSeq: number;
  nextSeq: number;
  /** JOURNAL-4: the payloads were left out. */
  large: boolean | null;
  messages: string | null;
  tasks: string | null;
}

type Message = readonly [
  id: number,
  kind: InboxRow["kind"],
  name: string,
  position: number,
  payload: string,
  sentAt: number,
  trace: string | null,
  digest: string | null,
];

type EventColumn = "seqs" | "kinds" | "positions" | "names" | "digests" | "payloads" | "times";

const FENCES = statement(
  { runs: BIGINTS },
  rows<FenceRow>(),
  `
  select id, token, next_seq, wake_seq, ended_at is not null as ended
  from {schema}.runs where id = any($runs::bigint[])`,
);

/**
 * One statement is one snapshot: the inbox that is read belongs to the wake_seq that is read. A row
 * for each run, a JSON array for each column of its history: a long one is read in half the time
 * that a row for each event takes. Payloads that are larger together than was asked for stay away.
 */
const LOAD = statement(
  { runs: BIGINTS, firsts: INTEGERS, pasts: INTEGERS, bytes: NUMBER },
  rows<LoadRow>(),
  `
  select run.id, run.token, run.wake_seq as "wakeSeq", run.generation, run.first_seq as "firstSeq",
    run.next_seq as "nextSeq", history.seqs, history.kinds, history.positions, history.names,
    history.digests, history.times,
    case when octet_length(history.payloads) <= $bytes::integer then history.payloads end as payloads,
    octet_length(history.payloads) > $bytes::integer as large,
    mail.messages, task.positions as tasks
  from unnest($runs::bigint[], $firsts::integer[], $pasts::integer[]) as asked (run, first, past)
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
    select json_agg(json_build_array(
      id, kind, name, position, payload::text, ${milliseconds("sent_at")}, trace, digest
    ) order by id)::text
      as messages
    from {schema}.inbox where run = asked.run
  ) as mail
  cross join lateral (
    select json_agg(position)::text as positions from {schema}.tasks where run = asked.run
  ) as task`,
);

/** The statements that read. */
export const READ_STATEMENTS = { fences: FENCES, load: LOAD };

/**
 * Makes a run of its row.
 *
 * @param row The row.
 * @returns The run.
 */
export function assemble(row: LoadRow): LoadedRun {
  const { id, token, wakeSeq, generation, firstSeq, nextSeq } = row;
  const inbox = list<Message>(row.messages).map((
    [id, kind, name, position, payload, sentAt, trace, digest],
  ) => ({ id, kind, name, position, payload, sentAt, trace, digest }));
  const of = { id, token, wakeSeq, generation, firstSeq, nextSeq };
  return { ...of, events: historyOf(row), inbox, tasks: list(row.tasks) };
}

function historyOf(row: LoadRow): EventRow[] {
  const seqs = list<number>(row.seqs);
  const kinds = list<string>(row.kinds);
  const positions = list<number | null>(row.positions);
  const names = list<string>(row.names);
  const digests = list<string | null>(row.digests);
  const payloads = list<string | null>(row.payloads);
  const times = list<number>(row.times);
  return seqs.map((seq, index) => ({
    seq,
    kind: kinds[index]!,
    position: positions[index]!,
    name: names[index]!,
    digest: digests[index]!,
    payload: payloads[index]!,
    at: times[index]!,
  }));
}

function list<T>(text: string | null): T[] {
  return text === null ? [] : JSON.parse(text);
}
