/**
 * The statements that fork runs. See `src/store/forks.ts` for the invariants.
 *
 * @module
 */

import { LOCK_SIGNALS } from "../base/lock_signal.ts";
import { END_OF_CHILD } from "./runs/fragments.ts";
import { CLOCK, milliseconds, specifierIdOf, TIMEOUT } from "./sql/fragments.ts";
import { BOOLEAN, INTEGERS, nullable, NUMBER, TEXT, TEXTS } from "./sql/parameters.ts";
import { rows, statement } from "./sql/statement.ts";

/** A fork that this call, or an earlier one, has inserted. */
export interface ForkRow {
  /** Its key. */
  readonly id: number;
  /** When it was created. */
  readonly at: number;
}

/** A run that has the id of a fork. */
export interface ForkIdRow extends ForkRow {
  readonly workflow: string;
  readonly state: string;
  /** The key of its original; `null`: it is no fork. */
  readonly origin: number | null;
  readonly forkOf: string | null;
  readonly hash: string;
  readonly input: string;
}

const CHILD = `
  select child.id from {schema}.runs as child
  where child.run_id = any($adopted::text[]) and child.namespace = $namespace`;

/** The events of the original that the fork takes over. */
const KEPT = `
  from {schema}.events as event, original
  where event.run = original.id and event.seq >= original.first_seq and (
    event.seq < original.first_seq + $events::integer
      and event.seq - original.first_seq <> all($dropped::integer[])
    or event.seq - original.first_seq = any($extra::integer[])
  )`;

/** The signals that the original received after the point, or has not consumed yet. */
const LATER_SIGNALS = `
  select 0 as source, event.seq::bigint as place, event.name, event.payload
  from {schema}.events as event, original
  where $carry::boolean and event.run = original.id
    and event.seq >= original.first_seq + $events::integer and event.kind = 'signal.received'
    and event.name not like '${LOCK_SIGNALS}'
  union all
  select 1, message.id, message.name, message.payload
  from {schema}.inbox as message, original
  where $carry::boolean and message.run = original.id and message.kind = 'signal'
    and message.name not like '${LOCK_SIGNALS}'`;

/** The statements that fork runs. */
export const FORK_STATEMENTS = {
  // FORK-1, FORK-2, FORK-3.
  fork: statement(
    {
      origin: NUMBER,
      generation: NUMBER,
      namespace: TEXT,
      runId: TEXT,
      hash: TEXT,
      specifier: TEXT,
      input: TEXT,
      seed: TEXT,
      forkOf: TEXT,
      policy: nullable(TEXT),
      events: NUMBER,
      dropped: INTEGERS,
      extra: INTEGERS,
      kept: NUMBER,
      delivered: nullable(NUMBER),
      carry: BOOLEAN,
      adopted: TEXTS,
    },
    rows<ForkRow>(),
    `
  with clock as materialized (select ${CLOCK} as at),
  children as materialized (
    select id, run_id, state, result, error, ended_at is not null and not must_notify as told
    from {schema}.runs where id = any(array(${CHILD}))
    order by id for share
  ),
  original as materialized (
    select run.* from {schema}.runs as run
    where run.id = $origin::bigint and run.namespace = $namespace
      and run.generation = $generation::integer
      and run.next_seq >= run.first_seq + $events::integer
      and (select count(*) from children) = cardinality($adopted::text[])
  ),
  given as (
    select original.*, $hash as hash, $specifier as specifier, $policy::text::jsonb as decided,
      clock.at
    from original cross join clock
  ),
  inserted as (
    insert into {schema}.runs (
      namespace, run_id, workflow, specifier_id, input, seed, state, wake_at, created_at,
      started_at, since, attributes, custom_status, origin, fork_of, policy, deadline, next_seq,
      delivered_seq
    )
    select namespace, $runId, workflow, ${specifierIdOf("given")}, $input::text::json, $seed,
      case when $kept::integer = 0 then 'pending' else 'suspended' end, at, at,
      case when $kept::integer > 0 then at end,
      case when $kept::integer > 0 then at end,
      attributes,
      (select event.payload ${KEPT} and event.kind = 'status.set' order by event.seq desc limit 1),
      id, $forkOf::text::json, decided, at + ${TIMEOUT}, $kept::integer, $delivered::integer
    from given
    on conflict (run_id, namespace) do nothing
    returning id, created_at
  ),
  copied as (
    insert into {schema}.events (run, seq, position, at, kind, name, digest, payload)
    select inserted.id, row_number() over (order by event.seq) - 1, event.position, event.at,
      event.kind, event.name, event.digest, event.payload
    from inserted cross join (select event.* ${KEPT}) as event
  ),
  adopted as (
    insert into {schema}.adoptions (run, child)
    select inserted.id, children.id from inserted cross join children
  ),
  received as (
    insert into {schema}.inbox (run, kind, name, payload)
    select inserted.id, message.kind, message.name, message.payload
    from inserted cross join (
      select 'signal' as kind, source, place, name, payload from (${LATER_SIGNALS}) as signal
      union all
      select 'child', 2, child.id, child.run_id, ${END_OF_CHILD}
      from children as child where child.told
    ) as message
    order by message.source, message.place
  )
  select id, ${milliseconds("created_at")} as at from inserted`,
  ),

  withId: statement(
    { runId: TEXT, namespace: TEXT },
    rows<ForkIdRow>(),
    `
  select run.id, ${milliseconds("run.created_at")} as at, run.workflow, run.state, run.origin,
    run.fork_of::text as "forkOf", pin.hash, run.input::text as input
  from {schema}.runs as run
  join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
  where run.run_id = $runId and run.namespace is not distinct from $namespace`,
  ),
};
