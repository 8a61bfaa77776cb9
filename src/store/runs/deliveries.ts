/**
 * Messages to many runs in one statement: those that are sent in one tick of the event loop share a
 * commit.
 *
 * - DELIVERY-1: a message to a locked run, or to one that has ended or is missing, and a second one with
 *   the same delivery id are left to the caller, who delivers each by itself: a row delays, or fails,
 *   its own messages. Several messages to one locked run wait for it together.
 * - RUN-3 of `src/store/runs/run_store.ts` holds as for a single message: a message is numbered under
 *   its run's lock. Messages to one run are numbered in the order in which they were sent.
 *
 * @module
 */

import { Batcher } from "../../base/batcher.ts";
import type { SqlDriver } from "../sql/driver.ts";
import type { SchemaName } from "../schema/name.ts";
import { CLOCK, specifierIdsOf } from "../sql/fragments.ts";
import { INTEGERS, TEXT, TEXTS, unnested } from "../sql/parameters.ts";
import { isContention, isRefusal, isUniqueViolation } from "../sql/sqlstate.ts";
import { type Prepared, rows, statement } from "../sql/statement.ts";
import { type Delivered, deliveryName } from "./message_statements.ts";

/** A message on its way: texts that Postgres keeps. */
export interface Outgoing {
  /** The run's id. */
  readonly runId: string;
  /** `signal`, `ask` or `cancel`. */
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

/** @param lock How the rows of the runs are locked. */
const deliver = (lock: string) =>
  statement(
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
          and delivery.name = ${deliveryName("given.kind", "given.name")}
          and delivery.delivery_id = given.delivery_id
      )
    order by run.id for update of run${lock}
  ),
  woken as (
    update {schema}.runs as run set
      wake_seq = run.wake_seq + (select count(*) from held where held.id = run.id),
      wake_at = case
        when (run.state = 'pending' or run.started_at is null)
          and not exists (select from held where held.id = run.id and held.kind = 'cancel')
          then run.wake_at
        when run.state in ('pending', 'suspended') then least(run.wake_at, ${CLOCK})
      end
    where run.id = any(array(select id from held)) and run.ended_at is null
    returning run.id, run.node
  ),
  sent as materialized (
    select held.*, woken.node, row_number() over (order by held.place) as nth
    from held join woken on woken.id = held.id
  ),
  message as (
    insert into {schema}.inbox (run, kind, name, payload, trace)
    select id, kind, name, payload::json, trace from sent order by nth
    returning id
  ),
  numbered as materialized (
    select id, row_number() over (order by id) as nth from message
  ),
  noted as (
    insert into {schema}.deliveries (run, kind, name, delivery_id, message)
    select sent.id, sent.kind, ${deliveryName("sent.kind", "sent.name")}, sent.delivery_id,
      numbered.id
    from sent join numbered using (nth) where sent.delivery_id is not null
  )
  select sent.place, numbered.id as message, sent.id as run, sent.node
  from sent join numbered using (nth)`,
  );

const STATEMENTS = {
  deliverMany: deliver(" skip locked"),
  /** To one run alone, whose row is locked. */
  deliverLater: deliver(""),
};

/** The results of a batch by place; a promise, where the row of a run has to be waited for. */
type Results = ReadonlyMap<number, Delivered | Promise<Delivered | undefined>>;

/** Delivers messages to runs of one namespace, many at a time. */
export class Deliveries {
  readonly #driver: SqlDriver;
  readonly #namespace: string;
  readonly #sql: Prepared<typeof STATEMENTS>;
  readonly #batcher: Batcher<
    Outgoing,
    { readonly result: Delivered | Promise<Delivered | undefined> | undefined }
  >;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   * @param namespace Whose runs.
   */
  constructor(driver: SqlDriver, schema: SchemaName, namespace: string) {
    this.#driver = driver;
    this.#namespace = namespace;
    this.#sql = schema.prepare(STATEMENTS);
    this.#batcher = new Batcher(async (batch) => {
      const results = batch.length === 1 ? NOTHING : await this.#deliverMany(batch);
      return batch.map((_, place) => ({ result: results.get(place) }));
    });
  }

  /**
   * Delivers a message if others are on their way too, and nothing is in its way.
   *
   * @param message The message.
   * @returns `undefined`: it was not delivered.
   */
  async add(message: Outgoing): Promise<Delivered | undefined> {
    return await (await this.#batcher.add(message)).result;
  }

  async #deliverMany(batch: readonly Outgoing[]): Promise<Results> {
    const seen = new Set<string>();
    const places = batch.flatMap((message, place) => {
      const key = keyOf(message);
      if (key === null) return place;
      return seen.size < seen.add(key).size ? place : [];
    });
    const found = await this.#deliver(this.#sql.deliverMany, batch, places);
    if (found === undefined) return NOTHING;
    const results = new Map<number, Delivered | Promise<Delivered | undefined>>(found);
    const left = Map.groupBy(
      places.filter((place) => !found.has(place)),
      (place) => batch[place]!.runId,
    );
    for (const few of left.values()) {
      if (few.length === 1) continue;
      const later = this.#deliver(this.#sql.deliverLater, batch, few);
      for (const place of few) results.set(place, later.then((found) => found?.get(place)));
    }
    return results;
  }

  /** `undefined`: the database refuses one of the messages, and has written nothing (DELIVERY-1). */
  async #deliver(
    statement: Prepared<typeof STATEMENTS>["deliverMany"],
    batch: readonly Outgoing[],
    places: readonly number[],
  ): Promise<ReadonlyMap<number, Delivered> | undefined> {
    const column = (value: (message: Outgoing) => string | null) =>
      places.map((place) => value(batch[place]!));
    try {
      const rows = await statement.query(this.#driver, {
        namespace: this.#namespace,
        place: places,
        runId: column(({ runId }) => runId),
        kind: column(({ kind }) => kind),
        name: column(({ name }) => name),
        payload: column(({ payload }) => payload),
        deliveryId: column(({ deliveryId }) => deliveryId),
        version: column(({ version }) => version),
        trace: column(({ trace }) => trace),
      });
      return new Map(rows.map(({ place, ...delivered }) => [place, delivered]));
    } catch (error) {
      // Whether anything was written is known only where the database says so.
      if (!isRefusal(error) && !isUniqueViolation(error) && !isContention(error)) throw error;
      return undefined;
    }
  }
}

const NOTHING: Results = new Map();

/** What makes a delivery the same as another; `null`: it is like none. */
function keyOf({ runId, kind, name, deliveryId }: Outgoing): string | null {
  if (deliveryId === null) return null;
  return JSON.stringify([runId, kind, kind === "ask" ? "" : name, deliveryId]);
}
