/**
 * Messages to many runs in one statement: those that are sent in one tick of the event loop share a
 * commit.
 *
 * - DELIVERY-1: a locked run, one that has ended or is missing, and a second message to a run of the batch
 *   are left to the caller, who delivers each by itself: a row delays, or fails, its own message.
 * - RUN-3 of `src/store/runs/run_store.ts` holds as for a single message: a message is numbered under
 *   its run's lock.
 *
 * @module
 */

import { Batcher } from "../../base/batcher.ts";
import type { SqlDriver } from "../sql/driver.ts";
import type { SchemaName } from "../schema/name.ts";
import { CLOCK, specifierIdsOf } from "../sql/fragments.ts";
import { INTEGERS, TEXT, TEXTS, unnested } from "../sql/parameters.ts";
import { isContention, isRefusal, isUniqueViolation } from "../sql/sqlstate.ts";
import { rows, statement } from "../sql/statement.ts";

/** A message on its way: texts that Postgres keeps. */
export interface Outgoing {
  /** The run's id. */
  readonly runId: string;
  /** `signal` or `cancel`. */
  readonly kind: string;
  /** The signal's name. */
  readonly name: string;
  /** Encoded value. */
  readonly payload: string | null;
  /** What makes the delivery unique. */
  readonly deliveryId: string | null;
  /** Only to a run of this version. */
  readonly version: string | null;
  /** The sender's trace context. */
  readonly trace: string | null;
}

/** A message that was delivered. */
export interface Delivered {
  /** The message. */
  readonly message: number;
  /** The run's key. */
  readonly run: number;
  /** Who executes the run. */
  readonly node: string | null;
}

const GIVEN = {
  place: INTEGERS,
  runId: TEXTS,
  kind: TEXTS,
  name: TEXTS,
  payload: TEXTS,
  deliveryId: TEXTS,
  version: TEXTS,
  trace: TEXTS,
};

const STATEMENTS = {
  deliverMany: statement(
    { namespace: TEXT, ...GIVEN },
    rows<Delivered & { readonly place: number }>(),
    `
  with given as materialized (
    select * from ${unnested("given", GIVEN)}
  ),
  held as materialized (
    select run.id, given.place, given.kind, given.name, given.payload, given.delivery_id,
      given.trace
    from given join {schema}.runs as run on run.run_id = given.run_id and run.namespace is not distinct from $namespace
    where run.run_id = any($runId::text[]) and run.ended_at is null
      and (given.version is null or run.specifier_id = any(${
      specifierIdsOf("array[given.version]")
    }))
      and not exists (
        select from {schema}.deliveries as delivery
        where delivery.run = run.id and delivery.kind = given.kind
          and delivery.name = given.name and delivery.delivery_id = given.delivery_id
      )
    order by run.id for update of run skip locked
  ),
  woken as (
    update {schema}.runs as run set
      wake_seq = run.wake_seq + 1,
      wake_at = case
        when (run.state = 'pending' or run.started_at is null)
          and (select held.kind from held where held.id = run.id) = 'signal' then run.wake_at
        when run.state in ('pending', 'suspended') then least(run.wake_at, ${CLOCK})
      end
    where run.id = any(array(select id from held)) and run.ended_at is null
    returning run.id, run.node
  ),
  message as (
    insert into {schema}.inbox (run, kind, name, payload, trace)
    select held.id, held.kind, held.name, held.payload::json, held.trace
    from held join woken on woken.id = held.id
    returning id, run
  ),
  noted as (
    insert into {schema}.deliveries (run, kind, name, delivery_id, message)
    select message.run, held.kind, held.name, held.delivery_id, message.id
    from message join held on held.id = message.run where held.delivery_id is not null
  )
  select held.place, message.id as message, message.run, woken.node
  from message join woken on woken.id = message.run join held on held.id = message.run`,
  ),
};

/** Delivers messages to runs of one namespace, many at a time. */
export class Deliveries {
  readonly #batcher: Batcher<Outgoing, Delivered | undefined>;

  /**
   * Prepares the statement.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   * @param namespace Whose runs.
   */
  constructor(driver: SqlDriver, schema: SchemaName, namespace: string) {
    const { deliverMany } = schema.prepare(STATEMENTS);
    this.#batcher = new Batcher(async (batch) => {
      if (batch.length === 1) return [undefined];
      const first = new Map<string, number>();
      batch.forEach(({ runId }, place) => first.has(runId) || first.set(runId, place));
      const places = [...first.values()];
      const column = (value: (message: Outgoing) => string | null) =>
        places.map((place) => value(batch[place]!));
      try {
        const rows = await deliverMany.query(driver, {
          namespace,
          place: places,
          runId: column(({ runId }) => runId),
          kind: column(({ kind }) => kind),
          name: column(({ name }) => name),
          payload: column(({ payload }) => payload),
          deliveryId: column(({ deliveryId }) => deliveryId),
          version: column(({ version }) => version),
          trace: column(({ trace }) => trace),
        });
        const found = new Map(rows.map(({ place, ...delivered }) => [place, delivered]));
        return batch.map((_, place) => found.get(place));
      } catch (error) {
        // Whether anything was written is known only where the database says so.
        if (!isRefusal(error) && !isUniqueViolation(error) && !isContention(error)) throw error;
        return batch.map(() => undefined); // DELIVERY-1
      }
    });
  }

  /**
   * Delivers a message if others are on their way too, and nothing is in its way.
   *
   * @param message The message.
   * @returns `undefined`: it was not delivered.
   */
  add(message: Outgoing): Promise<Delivered | undefined> {
    return this.#batcher.add(message);
  }
}
