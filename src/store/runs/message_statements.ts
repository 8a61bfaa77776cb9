/**
 * The statements on messages to one run. See `src/store/runs/run_store.ts` for the invariants, and
 * `src/store/runs/deliveries.ts` for messages to many.
 *
 * @module
 */

import { LOCK_SIGNALS } from "../../base/lock_signal.ts";
import type { RunRow } from "../../ports/rows.ts";
import { CLOCK, specifierIdsOf } from "../sql/fragments.ts";
import { nullable, NUMBER, TEXT, TEXTS } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";

/** A message that was delivered. */
export interface Delivered {
  /** The message. */
  readonly message: number;
  /** The run's key. */
  readonly run: number;
  /** Who executes the run. */
  readonly node: string | null;
}

interface DeliveredRow {
  readonly id: number;
  readonly state: RunRow["state"];
  readonly node: string | null;
  readonly hash: string;
  readonly ended: boolean;
  readonly message: number | null;
}

/**
 * The name under which a delivery id is kept: of an ask, the id alone counts.
 *
 * @param kind The kind of message, in SQL.
 * @param name The name of the signal, in SQL.
 */
export function deliveryName(kind: string, name: string): string {
  return `case when ${kind} = 'ask' then '' else ${name} end`;
}

/** The statements on messages. */
export const MESSAGE_STATEMENTS = {
  // RUN-3. A signal does not wake a run that starts later or rests: the run will find it there.
  deliver: statement(
    {
      runId: TEXT,
      kind: TEXT,
      name: TEXT,
      payload: nullable(TEXT),
      deliveryId: nullable(TEXT),
      version: nullable(TEXT),
      trace: nullable(TEXT),
      namespace: TEXT,
    },
    rows<Delivered>(),
    `
  with woken as (
    update {schema}.runs set
      wake_seq = wake_seq + 1,
      wake_at = case
        when (state = 'pending' or started_at is null) and $kind <> 'cancel' then wake_at
        when state in ('pending', 'suspended') then least(wake_at, ${CLOCK})
      end
    where run_id = $runId and namespace is not distinct from $namespace and ended_at is null
      and ($version::text is null or specifier_id = any(${
      specifierIdsOf("array[$version]")
    })) and not exists (
      select from {schema}.deliveries as delivery
      where delivery.run = runs.id and delivery.kind = $kind
        and delivery.name = ${deliveryName("$kind", "$name")}
        and delivery.delivery_id = $deliveryId
    )
    returning id, node
  ),
  message as (
    insert into {schema}.inbox (run, kind, name, payload, trace)
    select id, $kind, $name, $payload::text::json, $trace from woken
    returning id, run
  ),
  noted as (
    insert into {schema}.deliveries (run, kind, name, delivery_id, message)
    select run, $kind, ${deliveryName("$kind", "$name")}, $deliveryId, id from message
    where $deliveryId::text is not null
  )
  select message.id as message, message.run, woken.node from message join woken on woken.id = message.run`,
  ),

  // Why a message was not delivered.
  delivered: statement(
    { runId: TEXT, kind: TEXT, name: TEXT, deliveryId: nullable(TEXT), namespace: TEXT },
    rows<DeliveredRow>(),
    `
  select run.id, run.state, run.node, pin.hash, run.ended_at is not null as ended,
    delivery.message
  from {schema}.runs as run join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
  left join {schema}.deliveries as delivery
    on delivery.run = run.id and delivery.kind = $kind
    and delivery.name = ${deliveryName("$kind", "$name")}
    and delivery.delivery_id = $deliveryId
  where run.run_id = $runId and run.namespace is not distinct from $namespace`,
  ),

  untaken: statement(
    { run: NUMBER, kinds: TEXTS },
    rows<{ readonly name: string; readonly count: number }>(),
    `
  select name, count(*)::integer as count from {schema}.inbox
  where run = $run::bigint and kind = any($kinds::text[]) and name not like '${LOCK_SIGNALS}' group by name order by name collate "C"`,
  ),
};
