/**
 * The statements that read generations: what a run was, and is.
 *
 * @module
 */

import { milliseconds } from "../sql/fragments.ts";

/** The bounds are looked up once, so that the events come in the order of their key. */
export const HISTORY = `
  with part as materialized (
    select id, first_seq, next_seq from {schema}.runs
    where run_id = $1 and namespace is not distinct from $4 and ($5::integer is null or generation = $5)
    union all
    select earlier.run, earlier.first_seq, earlier.next_seq
    from {schema}.runs as run join {schema}.generations as earlier
      on earlier.run = run.id and earlier.generation = $5
    where run.run_id = $1 and run.namespace is not distinct from $4
  )
  select event.seq, event.kind::text as kind, event.position, event.name, event.digest,
    event.payload::text as payload, ${milliseconds("event.at")} as at
  from {schema}.events as event
  where event.run = (select id from part)
    and event.seq >= (select first_seq from part) + $2::integer
    and event.seq < (select next_seq from part)
  order by event.seq limit $3::integer`;

export const GENERATIONS = `
  with run as materialized (
    select * from {schema}.runs where run_id = $1 and namespace is not distinct from $4
  ),
  listed as (
    (
      select earlier.generation as number, true as over, earlier.specifier_id, earlier.input,
        earlier.next_seq - earlier.first_seq as events, earlier.started_at,
        earlier.ended_at
      from {schema}.generations as earlier
      where earlier.run = (select id from run) and earlier.generation >= $2::integer
      order by earlier.generation limit $3::integer
    )
    union all
    select generation, false, specifier_id, input, next_seq - first_seq, started_at, ended_at
    from run where generation >= $2::integer
  )
  select listed.number, listed.over, pin.hash, version.label as "versionLabel",
    pin.specifier, listed.input::text as input, listed.events,
    ${milliseconds("listed.started_at")} as "startedAt",
    ${milliseconds("listed.ended_at")} as "endedAt"
  from listed join {schema}.workflow_specifiers as pin on pin.id = listed.specifier_id
  join {schema}.workflow_versions as version on version.hash = pin.hash
  order by listed.number limit $3::integer`;
