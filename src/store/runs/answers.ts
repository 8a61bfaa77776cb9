/**
 * What runs have said: answers to asks and published values, read many at a time. Those that are read
 * in one tick of the event loop share a statement.
 *
 * - ANSWER-1: one statement is one snapshot, and an ask leaves the inbox with the event that receives
 *   it. So an ask that is neither answered, nor received, nor in the inbox does not exist.
 * - ANSWER-2: a limit keeps each look-up a look-up in an index, however few rows a planner expects: as
 *   a join it would read all asks of the run. An order that only that index has keeps it from reading
 *   the run's history.
 *
 * @module
 */

import { Batcher } from "../../base/batcher.ts";
import type { AskRow, PublishedRow, PublishedValue } from "../../ports/answers.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { milliseconds } from "../sql/fragments.ts";
import { TEXT, TEXTS, unnested } from "../sql/parameters.ts";
import { type PreparedStatement, rows, statement } from "../sql/statement.ts";

const ASKED = { runId: TEXTS, name: TEXTS };

type Placed<Row> = Row & { readonly place: number };

/**
 * Events of one run and one name.
 *
 * @param run The run's key, in SQL.
 * @param name The name, in SQL.
 * @param kinds The kinds of event, in SQL.
 * @returns The SQL of what follows a select list: the last of them.
 */
export function lastNamed(run: string, name: string, kinds: string): string {
  return `from {schema}.events as event
    where event.run = ${run} and event.name = ${name} and event.kind in (${kinds})
    order by (-event.seq) limit 1`;
}

/** What answers an ask. */
export const ANSWERED = "'ask.answered', 'ask.failed'";

const FROM_ASKED = `
  from ${unnested("asked", ASKED, "place")}
  join {schema}.runs as run
    on run.run_id = asked.run_id and run.namespace is not distinct from $namespace`;

const SAID =
  "asked.place::integer as place, run.state, run.workflow, said.payload::text as payload";

const STATEMENTS = {
  answers: statement(
    { ...ASKED, namespace: TEXT },
    rows<Placed<AskRow>>(),
    `
  select ${SAID},
    case
      when said.kind = 'ask.answered' then 'answered'
      when said.kind = 'ask.failed' then 'failed'
      when delivery.message is null then 'unknown'
      when run.ended_at is not null or received.seq < run.first_seq then 'over'
      when received.seq is null
        and not exists (select from {schema}.inbox as message where message.id = delivery.message)
        then 'unknown'
      else 'open'
    end as status
  ${FROM_ASKED}
  left join lateral (
    select sent.message from {schema}.deliveries as sent
    where sent.run = run.id and sent.kind = 'ask' and sent.name = ''
      and sent.delivery_id = asked.name
    limit 1
  ) as delivery on true
  left join lateral (
    select event.seq ${lastNamed("run.id", "asked.name", "'ask.received'")}
  ) as received on true
  left join lateral (
    select event.kind, event.payload ${lastNamed("run.id", "asked.name", ANSWERED)}
  ) as said on true`,
  ),

  published: statement(
    { ...ASKED, namespace: TEXT },
    rows<Placed<PublishedRow>>(),
    `
  select ${SAID},
    case
      when said.seq is not null then 'published'
      when run.ended_at is not null then 'over'
      else 'open'
    end as status
  ${FROM_ASKED}
  left join lateral (
    select event.seq, event.payload ${lastNamed("run.id", "asked.name", "'value.published'")}
  ) as said on true`,
  ),

  // From each name to the next: as many look-ups as there are names.
  values: statement(
    { runId: TEXT, namespace: TEXT },
    rows<PublishedValue>(),
    `
  with recursive run as (
    select id from {schema}.runs
    where run_id = $runId and namespace is not distinct from $namespace
  ),
  named as (
    (
      select event.name from {schema}.events as event
      where event.run = (select id from run) and event.kind = 'value.published'
      order by event.name limit 1
    )
    union all
    select (
      select event.name from {schema}.events as event
      where event.run = (select id from run) and event.kind = 'value.published'
        and event.name > named.name
      order by event.name limit 1
    ) from named where named.name is not null
  )
  select named.name, said.payload::text as payload, ${milliseconds("said.at")} as at
  from named cross join lateral (
    select event.payload, event.at
    ${lastNamed("(select id from run)", "named.name", "'value.published'")}
  ) as said
  where named.name is not null`,
  ),
};

/** What is meant: an ask by its id, or a value by its name. */
interface Asked {
  readonly runId: string;
  readonly name: string;
}

/** Reads what runs of one namespace have said. */
export class Answers {
  readonly #answers: Batcher<Asked, AskRow | null>;
  readonly #published: Batcher<Asked, PublishedRow | null>;
  readonly #values: (runId: string) => Promise<PublishedValue[]>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   * @param namespace Whose runs.
   */
  constructor(driver: SqlDriver, schema: SchemaName, namespace: string) {
    const { answers, published, values } = schema.prepare(STATEMENTS);
    const batched = <Row>(
      statement: PreparedStatement<
        { runId: readonly string[]; name: readonly string[]; namespace: string },
        Placed<Row>
      >,
    ) =>
      new Batcher<Asked, Row | null>(async (asked) => {
        const rows = await statement.query(driver, {
          runId: asked.map(({ runId }) => runId),
          name: asked.map(({ name }) => name),
          namespace,
        });
        const found = new Map(rows.map(({ place, ...row }) => [place - 1, row as Row]));
        return asked.map((_, place) => found.get(place) ?? null);
      });
    this.#answers = batched(answers);
    this.#published = batched(published);
    this.#values = (runId) => values.query(driver, { runId, namespace });
  }

  /**
   * Reads what is known of an ask.
   *
   * @param runId The run's id.
   * @param name The id of the ask.
   * @returns `null`: there is no such run.
   */
  answer(runId: string, name: string): Promise<AskRow | null> {
    return this.#answers.add({ runId, name });
  }

  /**
   * Reads what is known of a published value.
   *
   * @param runId The run's id.
   * @param name The name of the value.
   * @returns `null`: there is no such run.
   */
  published(runId: string, name: string): Promise<PublishedRow | null> {
    return this.#published.add({ runId, name });
  }

  /**
   * Reads the latest of all values that a run has published, by name.
   *
   * @param runId The run's id.
   */
  values(runId: string): Promise<PublishedValue[]> {
    return this.#values(runId);
  }
}
