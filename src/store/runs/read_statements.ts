/**
 * The statements that read runs, their histories and their generations.
 *
 * One run is found by its id; its namespace is compared in a way that no index answers. While a
 * table has no statistics, a planner takes an index that knows the namespace for as good as the
 * run's own.
 *
 * @module
 */

import type { EventRow, GenerationRow, RunRelatives, RunRow } from "../../ports/rows.ts";
import { milliseconds } from "../sql/fragments.ts";
import { nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";
import { FROM_RUN, RUN } from "./fragments.ts";

/** A run as the database gives it: JSON columns are text. */
export type RawRun = Omit<RunRow, "stuckReason" | "waits" | "attributes"> & {
  readonly attributes: string;
  readonly stuckReason: string | null;
  readonly waits: string | null;
};

/** The statements that read runs. */
export const READ_STATEMENTS = {
  get: statement(
    { runId: TEXT, namespace: TEXT },
    rows<RawRun>(),
    `${RUN} where run.run_id = $runId and run.namespace is not distinct from $namespace`,
  ),

  list: statement(
    {
      workflow: nullable(TEXT),
      hash: nullable(TEXT),
      states: nullable(TEXTS),
      namespace: nullable(TEXT),
      limit: NUMBER,
    },
    rows<RawRun>(),
    `
  ${RUN}
  where ($workflow::text is null or run.workflow = $workflow) and ($hash::text is null or pin.hash = $hash)
    and ($states::text[] is null or run.state = any($states))
    and ($namespace::text is null or run.namespace = $namespace)
  order by run.id desc limit $limit::integer`,
  ),

  relatives: statement(
    { runIds: TEXTS, namespace: TEXT, limit: NUMBER },
    rows<RunRelatives>(),
    `select run.run_id as id,
      (
        select count(*)::integer from (
          select from {schema}.runs as child where child.parent = run.id limit $limit::integer
        ) as counted
      ) as children,
      (
        select count(*)::integer from (
          select from {schema}.runs as fork where fork.origin = run.id limit $limit::integer
        ) as counted
      ) as forks
    from {schema}.runs as run
    where run.run_id = any($runIds::text[]) and run.namespace is not distinct from $namespace`,
  ),

  version: statement(
    { runIds: TEXTS, namespace: TEXT },
    rows<{ readonly runId: string; readonly hash: string }>(),
    `select run.run_id as "runId", pin.hash ${FROM_RUN}
    where run.run_id = any($runIds::text[]) and run.namespace is not distinct from $namespace`,
  ),

  // The bounds are looked up once, so that the events come in the order of their key.
  history: statement(
    { runId: TEXT, from: NUMBER, limit: NUMBER, namespace: TEXT, generation: nullable(NUMBER) },
    rows<EventRow>(),
    `
  with part as materialized (
    select id, first_seq, next_seq from {schema}.runs
    where run_id = $runId and namespace is not distinct from $namespace and ($generation::integer is null or generation = $generation)
    union all
    select earlier.run, earlier.first_seq, earlier.next_seq
    from {schema}.runs as run join {schema}.generations as earlier
      on earlier.run = run.id and earlier.generation = $generation
    where run.run_id = $runId and run.namespace is not distinct from $namespace
  )
  select event.seq, event.kind::text as kind, event.position, event.name, event.digest,
    event.payload::text as payload, ${milliseconds("event.at")} as at
  from {schema}.events as event
  where event.run = (select id from part)
    and event.seq >= (select first_seq from part) + $from::integer
    and event.seq < (select next_seq from part)
  order by event.seq limit $limit::integer`,
  ),

  generations: statement(
    { runId: TEXT, from: NUMBER, limit: NUMBER, namespace: TEXT },
    rows<GenerationRow>(),
    `
  with run as materialized (
    select * from {schema}.runs where run_id = $runId and namespace is not distinct from $namespace
  ),
  listed as (
    (
      select earlier.generation as number, true as over, earlier.specifier_id, earlier.input,
        earlier.seed, earlier.attempt, earlier.first_seq,
        earlier.next_seq - earlier.first_seq as events, earlier.started_at, earlier.ended_at
      from {schema}.generations as earlier
      where earlier.run = (select id from run) and earlier.generation >= $from::integer
      order by earlier.generation limit $limit::integer
    )
    union all
    select generation, false, specifier_id, input, seed, attempt, first_seq, next_seq - first_seq,
      started_at, ended_at
    from run where generation >= $from::integer
  )
  select listed.number, listed.over, pin.hash, version.label as "versionLabel",
    pin.specifier, listed.input::text as input, listed.seed, listed.attempt,
    listed.first_seq as "firstSeq", listed.events,
    ${milliseconds("listed.started_at")} as "startedAt",
    ${milliseconds("listed.ended_at")} as "endedAt"
  from listed join {schema}.workflow_specifiers as pin on pin.id = listed.specifier_id
  join {schema}.workflow_versions as version on version.hash = pin.hash
  order by listed.number limit $limit::integer`,
  ),
};

/**
 * Makes a run of its row.
 *
 * @param row The row.
 * @returns The run.
 */
export function parsed(row: RawRun): RunRow {
  return {
    ...row,
    stuckReason: row.stuckReason === null ? null : JSON.parse(row.stuckReason),
    attributes: JSON.parse(row.attributes),
    waits: row.waits === null ? [] : JSON.parse(row.waits),
  };
}
