/**
 * The statements with which jobs act on many runs at once. See `src/store/bulk/bulk_store.ts` for the
 * invariants; those that pause runs are in `src/store/runs/pause_statements.ts`.
 *
 * @module
 */

import type { ActedRun } from "../../ports/bulk.ts";
import { CLOCK, milliseconds, readFirst, specifierIdsOf } from "../sql/fragments.ts";
import { BIGINTS, TEXT } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";
import { ENDED, EXECUTES_NOTHING } from "../runs/fragments.ts";

/** BULK-2: the live runs among `$ids` whose rows no other session has locked, in order (LINEAGE-2). */
const HELD = `
  held as materialized (
    select run.id, run.node, ${EXECUTES_NOTHING} as parked from {schema}.runs as run
    where run.id = any($ids::bigint[]) and run.ended_at is null
    order by run.id for update of run skip locked
  )`;

/** Ends those of the runs for which a condition holds. */
function ended(state: string, condition: string): string {
  return `
  ended as (
    update {schema}.runs as run set
      state = '${state}',
      error = $error::text::json,
      ${ENDED},
      must_notify = run.parent is not null or run.has_children or run.is_awaited
    from ${readFirst("held", "id")} where run.id = held.id and ${condition}
    returning run.id, held.node
  ),
  given_up as (
    delete from {schema}.tasks as task using ended where task.run = ended.id
  )`;
}

const END_ROWS = 'select id, node, null::bigint as "wakeAt", true as ended from ended';

/** The statements. */
export const ACT_STATEMENTS = {
  terminate: statement(
    { ids: BIGINTS, error: TEXT },
    rows<ActedRun>(),
    `with ${HELD}, ${ended("terminated", "true")} ${END_ROWS}`,
  ),

  // RUN-3, as for a single request.
  cancel: statement(
    { ids: BIGINTS, request: TEXT, error: TEXT },
    rows<ActedRun>(),
    `
  with ${HELD}, ${ended("cancelled", "held.parked")},
  woken as (
    update {schema}.runs as run set
      wake_seq = run.wake_seq + 1,
      wake_at = case
        when run.state in ('pending', 'suspended') then least(run.wake_at, ${CLOCK})
      end
    from ${readFirst("held", "id")} where run.id = held.id and not held.parked
    returning run.id, run.node, run.wake_at
  ),
  message as (
    insert into {schema}.inbox (run, kind, name, payload)
    select id, 'cancel', '', $request::text::json from woken
  )
  ${END_ROWS}
  union all
  select id, node, ${milliseconds("wake_at")}, false from woken`,
  ),

  // RUN-3. A second delivery to a run counts as the first.
  signal: statement(
    { ids: BIGINTS, version: TEXT, name: TEXT, payload: TEXT, deliveryId: TEXT },
    rows<ActedRun>(),
    `
  with ${HELD},
  known as (
    select held.id, held.node from held join {schema}.deliveries as delivery
      on delivery.run = held.id and delivery.kind = 'signal' and delivery.name = $name
      and delivery.delivery_id = $deliveryId
  ),
  woken as (
    update {schema}.runs as run set
      wake_seq = run.wake_seq + 1,
      wake_at = case
        when run.state = 'pending' or run.started_at is null then run.wake_at
        when run.state = 'suspended' then least(run.wake_at, ${CLOCK})
      end
    from ${readFirst("held", "id")}
    where run.id = held.id and run.specifier_id = any(${specifierIdsOf("array[$version]")})
      and held.id <> all(array(select id from known))
    returning run.id, run.node, run.wake_at
  ),
  message as (
    insert into {schema}.inbox (run, kind, name, payload)
    select id, 'signal', $name, $payload::text::json from woken
    returning id, run
  ),
  noted as (
    insert into {schema}.deliveries (run, kind, name, delivery_id, message)
    select run, 'signal', $name, $deliveryId, id from message
  )
  select id, node, ${milliseconds("wake_at")} as "wakeAt", false as ended from woken
  union all
  select id, node, null, false from known`,
  ),
};
