/**
 * Places in the transactions that start, end, fork and reopen runs. See
 * `src/store/limits/limit_store.ts` for the invariants.
 *
 * @module
 */

import type { OpenLock, PlaceRequest } from "../../ports/limits.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlSession } from "../sql/driver.ts";
import { CLOCK, storable } from "../sql/fragments.ts";
import { BIGINTS, BOOLEANS, INTEGERS, NUMBER, TEXTS, unnested } from "../sql/parameters.ts";
import { NO_ROWS, type Prepared, rows, statement } from "../sql/statement.ts";
import { waitsForPlace } from "../runs/fragments.ts";
import { definitions } from "./limit_store.ts";
import { LIMIT_STATEMENTS } from "./statements.ts";

/** A run that this transaction has inserted, and the place that it waits for. */
export interface PlacedRun {
  readonly namespace: string;
  readonly runId: string;
  readonly place: PlaceRequest;
}

const ASKED = { namespace: TEXTS, runId: TEXTS, name: TEXTS, key: TEXTS, priority: INTEGERS };

const LOCKS = { queue: BIGINTS, position: INTEGERS, toldBy: TEXTS, held: BOOLEANS };

/** LIMIT-5: a run that waits for a place is not due. */
const QUEUE = `
  update {schema}.runs as run set state = 'queued', wake_at = null, waits = null, has_children = true
  where run.id = $run::bigint and run.ended_at is null and run.node is null
    and ${waitsForPlace("run.id")}
  returning run.id`;

const STATEMENTS = {
  define: LIMIT_STATEMENTS.define,
  lockByName: LIMIT_STATEMENTS.lockByName,

  // A child that an earlier try has started has its place.
  ask: statement(
    ASKED,
    rows<{ readonly runId: string; readonly namespace: string }>(),
    `
  with given as materialized (select * from ${unnested("given", ASKED, "place")}),
  queued as (
    update {schema}.runs as run set state = 'queued', wake_at = null, has_children = true
    from given
    where run.run_id = given.run_id and run.namespace = given.namespace
      and run.state = 'pending' and run.started_at is null and not exists (
        select from {schema}.places as place where place.run = run.id and place.position = -1
      )
    returning run.id, run.run_id, run.namespace, coalesce(run.start_at, run.created_at) as due,
      given.name, given.key, given.priority, given.place
  ),
  asked as (
    insert into {schema}.places (limit_id, run, key, priority, state, blocks, due_at)
    select limits.id, queued.id, queued.key, queued.priority, 'new', true, queued.due
    from queued join {schema}.limits as limits
      on limits.name = queued.name and limits.namespace = queued.namespace
      and limits.kind = 'runs'
    order by queued.place
  )
  select run_id as "runId", namespace from queued`,
  ),

  // LIMIT-3
  free: statement(
    { runs: BIGINTS },
    rows<{ readonly id: number }>(),
    `
  update {schema}.places set state = 'over', turn = null, due_at = ${CLOCK}
  where run = any($runs::bigint[]) and state in ('new', 'behind', 'waiting', 'held')
  returning id`,
  ),

  // A fork waits where its original did.
  copy: statement(
    { run: NUMBER, origin: NUMBER },
    NO_ROWS,
    `
  insert into {schema}.places (limit_id, run, key, priority, state, blocks)
  select limit_id, $run::bigint, key, priority, 'new', true
  from {schema}.places where run = $origin::bigint and position = -1
  on conflict (run, position) do nothing`,
  ),

  askAgain: statement(
    { run: NUMBER },
    NO_ROWS,
    `
  update {schema}.places set state = 'new', turn = null, blocks = true, due_at = ${CLOCK}
  where run = $run::bigint and position = -1 and state in ('gone', 'over')`,
  ),

  // A lock that the history holds keeps the run from continuing until it has it again.
  askLocks: statement(
    { run: NUMBER, ...LOCKS },
    NO_ROWS,
    `
  insert into {schema}.places (limit_id, run, position, state, blocks, told_by)
  select given.queue, $run::bigint, given.position, 'new', given.held, given.told_by
  from ${unnested("given", LOCKS)}
  order by given.queue
  on conflict (run, position) do update set
    limit_id = excluded.limit_id, state = 'new', turn = null, blocks = excluded.blocks,
    told_by = excluded.told_by, due_at = ${CLOCK}`,
  ),

  queue: statement({ run: NUMBER }, rows<{ readonly id: number }>(), QUEUE),

  namespaceOf: statement(
    { run: NUMBER },
    rows<{ readonly namespace: string }>(),
    "select namespace from {schema}.runs where id = $run::bigint",
  ),
};

/** Asks for places, and gives them up. */
export class Places {
  readonly #sql: Prepared<typeof STATEMENTS>;

  /** @param schema Where the tables are. */
  constructor(schema: SchemaName) {
    this.#sql = schema.prepare(STATEMENTS);
  }

  /**
   * Lets runs wait that this transaction has inserted.
   *
   * @param session The transaction.
   * @param runs The runs.
   * @returns Those that wait: the others were there before.
   */
  async ask(
    session: SqlSession,
    runs: readonly PlacedRun[],
  ): Promise<readonly { readonly runId: string; readonly namespace: string }[]> {
    if (runs.length === 0) return [];
    const limits = runs.map(({ namespace, place: { limit } }) => ({ namespace, limit }));
    await this.#sql.define.query(session, definitions(limits));
    return await this.#sql.ask.query(session, {
      namespace: runs.map(({ namespace }) => namespace),
      runId: runs.map(({ runId }) => runId),
      name: runs.map(({ place }) => place.limit.name),
      key: runs.map(({ place }) => storable("a key", place.key)),
      priority: runs.map(({ place }) => place.priority),
    });
  }

  /**
   * LIMIT-3: marks the places of runs that have ended.
   *
   * @param session The transaction.
   * @param runs The runs' keys.
   * @returns Whether they had any.
   */
  async free(session: SqlSession, runs: readonly number[]): Promise<boolean> {
    return (await this.#sql.free.query(session, { runs })).length > 0;
  }

  /**
   * Lets a fork, or a run that was reopened, wait for what its original had.
   *
   * @param session The transaction.
   * @param run The run's key.
   * @param origin The key of the original; `null`: it is reopened itself.
   * @param locks The locks that its history holds or waits for.
   * @returns Whether the run waits.
   */
  async askAgain(
    session: SqlSession,
    run: number,
    origin: number | null,
    locks: readonly OpenLock[],
  ): Promise<boolean> {
    if (origin === null) await this.#sql.askAgain.query(session, { run });
    else await this.#sql.copy.query(session, { run, origin });
    if (locks.length > 0) {
      const [row] = await this.#sql.namespaceOf.query(session, { run });
      const { namespace } = row!;
      const queue: number[] = [];
      for (const { name, atOnce } of locks) {
        const [made] = await this.#sql.lockByName.query(session, { namespace, name, atOnce });
        queue.push(made!.id);
      }
      await this.#sql.askLocks.query(session, {
        run,
        queue,
        position: locks.map(({ position }) => position),
        toldBy: locks.map(({ toldBy }) => toldBy),
        held: locks.map(({ isHeld }) => isHeld),
      });
    }
    return (await this.#sql.queue.query(session, { run })).length > 0;
  }
}
