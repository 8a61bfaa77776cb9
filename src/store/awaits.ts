/**
 * What runs await of other runs: an end, a published value, the answer to an ask.
 *
 * - AWAIT-1: a run that awaits something notes that in one statement, and looks for it in the next.
 *   Each locks the row of the awaited run, as do the statements that write what is awaited. So either
 *   the look finds it, or its writer finds the run awaited and marks it (`must_notify`).
 * - AWAIT-2: the mark is written with what is awaited. Any node may remove it, in the transaction that
 *   puts a message into the inbox of each run for which something is there. The message says only that
 *   there is something: the run looks for it.
 * - AWAIT-3: nothing is awaited of a run that has ended: its end decides, and removes the notes.
 * - LINEAGE-2 of `lineage.ts` holds: a transaction locks the rows of live runs in ascending order of id.
 *   A run that began to wait while the rows were being locked is not locked, and has to be notified by
 *   the next transaction: the mark stays.
 *
 * @module
 */

import type { WokenRun } from "../ports/lineage.ts";
import { ANSWERED, lastNamed } from "./runs/answers.ts";
import type { SchemaName } from "./schema/name.ts";
import type { SqlDriver, SqlSession } from "./sql/driver.ts";
import { CLOCK } from "./sql/fragments.ts";
import { BIGINTS, NUMBER, TEXT } from "./sql/parameters.ts";
import { NO_ROWS, type Prepared, rows, statement } from "./sql/statement.ts";

/** Notes that a run awaits something of another one (AWAIT-1). */
export const AWAIT = statement(
  {
    runId: TEXT,
    namespace: TEXT,
    run: NUMBER,
    position: NUMBER,
    kind: TEXT,
    name: TEXT,
  },
  rows<{ readonly awaited: number }>(),
  `
  with awaited as (
    update {schema}.runs set is_awaited = true
    where run_id = $runId and namespace is not distinct from $namespace and ended_at is null
    returning id
  )
  insert into {schema}.awaits (awaited, run, position, kind, name)
  select id, $run::bigint, $position::integer, $kind, $name from awaited
  on conflict (awaited, run, position) do update set kind = excluded.kind, name = excluded.name
  returning awaited`,
);

/** Removes the note of a run that does not wait any more. */
export const FORGET = statement(
  { run: NUMBER, position: NUMBER },
  NO_ROWS,
  "delete from {schema}.awaits where run = $run::bigint and position = $position::integer",
);

/** Those who await something of the runs `$ids`. */
export const AWAITING = "select run from {schema}.awaits where awaited = any($ids::bigint[])";

const STATEMENTS = {
  marked: statement(
    { limit: NUMBER },
    rows<{ readonly id: number }>(),
    `
    select id from {schema}.runs where must_notify and ended_at is null
    order by id limit $limit::integer`,
  ),

  lock: statement(
    { ids: BIGINTS },
    rows<{ readonly id: number }>(),
    `
    select id from {schema}.runs
    where ended_at is null and id = any(array(select unnest($ids::bigint[]) union ${AWAITING}))
    order by id for update`,
  ),

  tell: statement(
    { ids: BIGINTS, held: BIGINTS },
    rows<WokenRun>(),
    `
    with decided as (
      delete from {schema}.awaits as await using {schema}.runs as awaited
      where await.awaited = any($ids::bigint[]) and awaited.id = await.awaited
      and await.run = any($held::bigint[]) and (
        awaited.ended_at is not null
        or await.kind = 'value' and exists (
          select ${lastNamed("awaited.id", "await.name", "'value.published'")}
        )
        or await.kind = 'answer' and (
          exists (select ${lastNamed("awaited.id", "await.name", ANSWERED)})
          or (
            select event.seq ${lastNamed("awaited.id", "await.name", "'ask.received'")}
          ) < awaited.first_seq
        )
      )
      returning await.run, await.position
    ),
    gone as (
      delete from {schema}.awaits as await
      where await.awaited = any($ids::bigint[]) and not exists (
        select from {schema}.runs as waiting
        where waiting.id = await.run and waiting.ended_at is null
      )
    ),
    told as (
      insert into {schema}.inbox (run, kind, name, position)
      select waiting.id, 'awaited', '', decided.position
      from decided join {schema}.runs as waiting on waiting.id = decided.run
      where waiting.ended_at is null
      order by waiting.id, decided.position
    )
    update {schema}.runs as run set
      wake_seq = run.wake_seq + (select count(*) from decided where decided.run = run.id),
      wake_at = case
        when run.state = 'suspended' and run.started_at is null then run.wake_at
        when run.state in ('pending', 'suspended') then least(run.wake_at, ${CLOCK})
      end
    where run.ended_at is null and run.id = any(array(select decided.run from decided))
    returning run.id, run.node`,
  ),

  settle: statement(
    { ids: BIGINTS, held: BIGINTS },
    rows<{ readonly left: boolean }>(),
    `
    update {schema}.runs as run set
      must_notify = exists (
        select from {schema}.awaits as await
        where await.awaited = run.id and await.run <> all($held::bigint[])
      ),
      is_awaited = exists (
        select from {schema}.awaits as await where await.awaited = run.id
      )
    where run.id = any($ids::bigint[]) and run.ended_at is null
    returning run.must_notify as left`,
  ),
};

/** Tells runs that what they await of another run is there. */
export class Awaits {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The driver.
   * @param schema The schema of the tables.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /**
   * Tells the runs that await something of marked runs which have not ended (AWAIT-2).
   *
   * @param limit At most of how many.
   * @returns The runs that have a message now, and whether more runs may be marked.
   */
  async settleLive(limit: number): Promise<{ readonly woken: WokenRun[]; readonly more: boolean }> {
    const marked = await this.#sql.marked.query(this.#driver, { limit });
    const ids = marked.map(({ id }) => id);
    if (ids.length === 0) return { woken: [], more: false };
    return await this.#driver.transaction(async (session) => {
      const held = (await this.#sql.lock.query(session, { ids })).map(({ id }) => id);
      const woken = await this.tell(ids, held, session);
      const settled = await this.#sql.settle.query(session, { ids, held });
      return { woken, more: ids.length === limit || settled.some(({ left }) => left) };
    });
  }

  /**
   * Tells the runs that await something of some runs, as far as it is there.
   *
   * @param ids The runs, which are locked.
   * @param held The live runs that are locked: others receive no message.
   * @param session The transaction.
   * @returns The runs that have a message now.
   */
  async tell(
    ids: readonly number[],
    held: readonly number[],
    session: SqlSession,
  ): Promise<WokenRun[]> {
    return ids.length === 0 ? [] : await this.#sql.tell.query(session, { ids, held });
  }
}
