/**
 * Small pieces of SQL that statements on runs share.
 *
 * @module
 */

import { CLOCK, milliseconds } from "../sql/fragments.ts";

/** The state of idle runs: without a history they have done nothing yet, and are pending. */
export const IDLE_STATE = "case when next_seq = 0 then 'pending' else 'suspended' end";

/**
 * PAUSE-1: whether a run is paused, or about to be. An `exists` would let the planner read the whole
 * inbox once, for all tasks that a statement looks at.
 *
 * @param run The SQL of its key.
 * @returns The SQL of a condition.
 */
export function pauseMessage(run: string): string {
  return `((
      select true from {schema}.inbox as asked where asked.run = ${run} and asked.kind = 'pause'
      limit 1
    ) is not null)`;
}

/** LIMIT-5: whether a run, with the key `run`, waits for a place before it continues. */
export function waitsForPlace(run: string): string {
  return `exists (
      select from {schema}.places as awaited where awaited.run = ${run} and awaited.blocks
        and awaited.state in ('new', 'behind', 'waiting')
    )`;
}

/**
 * Whether a cancellation ends a run at once, since no code of it can clean up: it is parked, or it
 * waits for admission and has not begun.
 */
export const EXECUTES_NOTHING =
  "(stuck_reason is not null or state = 'queued' and started_at is null)";

/**
 * What a run becomes that is released: one that waits for a place is not due.
 *
 * @param run The SQL of its key.
 * @returns The SQL of its state and its time.
 */
export function released(run: string): { readonly state: string; readonly wakeAt: string } {
  const waits = waitsForPlace(run);
  return {
    state: `case when ${waits} then 'queued' else ${IDLE_STATE} end`,
    wakeAt: `case when not ${waits} then greatest(${CLOCK}, start_at) end`,
  };
}

/** RUN-1: holds the row of node `$node`, so that no node expires it before this statement commits. */
export const ALIVE = "select id from {schema}.nodes where id = $node for key share";

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

/** What a run receives of the end of `child`. */
export const END_OF_CHILD = `json_build_object(
        'state', child.state, 'result', child.result::text, 'error', child.error::text
      )`;

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

/** Left joins: the database looks up only the rows whose columns a statement reads. */
function fromRun(rows: string): string {
  return `
  from ${rows} as run
  left join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
  left join {schema}.workflow_versions as version on version.hash = pin.hash`;
}

/** Runs, each with its version. */
export const FROM_RUN: string = fromRun("{schema}.runs");

/**
 * Runs with all that callers see of them.
 *
 * @param rows The rows of runs: a table or a sub-select.
 * @returns The SQL of a query; a statement may add its conditions on `run`.
 */
export function runFrom(rows: string): string {
  return `
  select run.id, run.namespace, run.run_id as "runId", run.workflow, pin.hash,
    version.label as "versionLabel",
    pin.specifier, run.state, run.input::text as input, run.seed, run.result::text as result,
    run.error::text as error, run.stuck_reason::text as "stuckReason", run.waits::text as waits,
    run.attributes::text as attributes, run.custom_status::text as "customStatus",
    run.node, ${
    milliseconds("run.wake_at")
  } as "wakeAt", run.first_seq as "firstSeq", run.next_seq - run.first_seq as events,
    run.generation, run.attempt, run.failure::text as failure,
    ${milliseconds("run.deadline")} as deadline, run.policy::text as policy,
    ${milliseconds("run.created_at")} as "createdAt",
    ${milliseconds("run.started_at")} as "startedAt", ${milliseconds("run.since")} as since,
    ${milliseconds("run.ended_at")} as "endedAt",
    ${milliseconds("run.trouble_at")} as "troubleAt", run.parent,
    (select over.run_id from {schema}.runs as over where over.id = run.parent) as "parentId",
    run.fork_of::text as origin
  ${fromRun(rows)}`;
}

/** A run with all that callers see of it; a statement adds its conditions. */
export const RUN: string = runFrom("{schema}.runs");

/** What every end of a run by someone other than its owner sets in the run's row. */
export const ENDED = `
    node = null,
    token = null,
    wake_at = null,
    waits = null,
    stuck_reason = null,
    since = ${CLOCK},
    ended_at = ${CLOCK}`;
