/**
 * Answers to asks, read many at a time: those that are read in one tick of the event loop share a
 * statement.
 *
 * - ANSWER-1: one statement is one snapshot, and an ask leaves the inbox with the event that receives
 *   it. So an ask that is neither answered, nor received, nor in the inbox does not exist.
 * - ANSWER-2: a limit keeps each look-up a look-up in an index, however few rows a planner expects: as
 *   a join it would read all asks of the run.
 *
 * @module
 */

import { Batcher } from "../../base/batcher.ts";
import type { AskRow } from "../../ports/answers.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { TEXT, TEXTS, unnested } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";

const ASKED = { runId: TEXTS, ask: TEXTS };

const STATEMENTS = {
  answers: statement(
    { ...ASKED, namespace: TEXT },
    rows<AskRow & { readonly place: number }>(),
    `
  select asked.place::integer as place, run.state, run.workflow, answer.payload::text as payload,
    case
      when answer.kind = 'ask.answered' then 'answered'
      when answer.kind = 'ask.failed' then 'failed'
      when delivery.message is null then 'unknown'
      when run.ended_at is not null or received.seq < run.first_seq then 'over'
      when received.seq is null
        and not exists (select from {schema}.inbox as message where message.id = delivery.message)
        then 'unknown'
      else 'open'
    end as status
  from ${unnested("asked", ASKED, "place")}
  join {schema}.runs as run
    on run.run_id = asked.run_id and run.namespace is not distinct from $namespace
  left join lateral (
    select sent.message from {schema}.deliveries as sent
    where sent.run = run.id and sent.kind = 'ask' and sent.name = ''
      and sent.delivery_id = asked.ask
    limit 1
  ) as delivery on true
  left join lateral (
    select event.seq from {schema}.events as event
    where event.run = run.id and event.name = asked.ask and event.kind = 'ask.received' limit 1
  ) as received on true
  left join lateral (
    select event.kind, event.payload from {schema}.events as event
    where event.run = run.id and event.name = asked.ask
      and event.kind in ('ask.answered', 'ask.failed')
    limit 1
  ) as answer on true`,
  ),
};

/** Which ask is meant. */
interface Asked {
  readonly runId: string;
  readonly ask: string;
}

/** Reads answers to asks of runs of one namespace. */
export class Answers {
  readonly #batcher: Batcher<Asked, AskRow | null>;

  /**
   * Prepares the statement.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   * @param namespace Whose runs.
   */
  constructor(driver: SqlDriver, schema: SchemaName, namespace: string) {
    const { answers } = schema.prepare(STATEMENTS);
    this.#batcher = new Batcher(async (asked) => {
      const rows = await answers.query(driver, {
        runId: asked.map(({ runId }) => runId),
        ask: asked.map(({ ask }) => ask),
        namespace,
      });
      const found = new Map(rows.map(({ place, ...row }) => [place - 1, row]));
      return asked.map((_, place) => found.get(place) ?? null);
    });
  }

  /**
   * Reads what is known of an ask.
   *
   * @param runId The run's id.
   * @param ask The id of the ask.
   * @returns `null`: there is no such run.
   */
  get(runId: string, ask: string): Promise<AskRow | null> {
    return this.#batcher.add({ runId, ask });
  }
}
