/**
 * Repairs of what `health()` finds.
 *
 * - REPAIR-1, as it was seen: a statement changes a row only if the columns that the plan saw still
 *   have their values. Rows that other transactions hold are skipped, and count as changed.
 * - REPAIR-2, recorded: the statement that repairs a row also inserts its row of the table of
 *   operations.
 *
 * @module
 */

import type {
  Acknowledged,
  DeadNode,
  ParkedRun,
  QueuedRetry,
  RepairStore,
  UnnotifiedRun,
} from "../ports/repairs.ts";
import type { Operator } from "../ports/operations.ts";
import type { StuckState } from "../ports/rows.ts";
import type { TaskKey } from "../ports/tasks.ts";
import type { Nodes } from "./nodes.ts";
import {
  ACKNOWLEDGED,
  OPERATOR,
  OPERATOR_COLUMNS,
  OPERATOR_VALUES,
} from "./operations/statements.ts";
import { released } from "./runs/fragments.ts";
import type { SchemaName } from "./schema/name.ts";
import type { SqlDriver } from "./sql/driver.ts";
import { CLOCK, milliseconds } from "./sql/fragments.ts";
import { BIGINTS, INTEGERS, NUMBER, TEXT, TEXTS, unnested } from "./sql/parameters.ts";
import { NO_ROWS, type Prepared, rows, statement } from "./sql/statement.ts";
import { after } from "./tasks/fragments.ts";

const RELEASED = released("run.id");

const SEEN_RUNS = { id: BIGINTS, wasState: TEXTS, wasSince: BIGINTS, wasNext: INTEGERS };

const SEEN_TASKS = { run: BIGINTS, position: INTEGERS, wasAttempt: INTEGERS, wasDue: BIGINTS };

const STATEMENTS = {
  // As `health.stuck`, along the index of parked runs.
  parked: statement(
    { state: TEXT, most: NUMBER },
    rows<ParkedRun>(),
    `
    select run.id, run.run_id as "runId", run.namespace, pin.hash, run.state, run.next_seq as "nextSeq",
      ${milliseconds("run.since")} as since
    from {schema}.workflow_specifiers as pin
    cross join lateral (
      select id, run_id, namespace, state, since, next_seq from {schema}.runs
      where specifier_id = pin.id and stuck_reason is not null and state = $state
      limit $most::integer
    ) as run
    order by run.id limit $most::integer`,
  ),

  // REPAIR-1, REPAIR-2
  unpark: statement(
    { ...SEEN_RUNS, ...OPERATOR },
    rows<{ readonly id: number }>(),
    `
    with given as materialized (select * from ${unnested("given", SEEN_RUNS)}),
    held as materialized (
      select run.id, run.state, run.stuck_reason from {schema}.runs as run
      join given on given.id = run.id and given.was_state = run.state
        and given.was_next = run.next_seq and given.was_since = ${milliseconds("run.since")}
      order by run.id for update of run skip locked
    ),
    freed as (
      update {schema}.runs as run set
        state = ${RELEASED.state},
        stuck_reason = null,
        wake_at = ${RELEASED.wakeAt},
        claims_since_progress = 0
      from held where run.id = held.id and run.stuck_reason is not null
      returning run.id, run.run_id, run.namespace, run.state, held.state as was, held.stuck_reason as reason
    ),
    recorded as (
      insert into {schema}.operations
        (${OPERATOR_COLUMNS}, action, namespace, target, before, after, outcome)
      select ${OPERATOR_VALUES}, 'repair.retry', namespace, run_id,
        json_build_object('state', was, 'stuck', reason), json_build_object('state', state), 'done'
      from freed
    )
    select id from freed`,
  ),

  queuedRetries: statement(
    { most: NUMBER },
    rows<QueuedRetry>(),
    `
    select task.run, task.position, task.name, task.attempt, run.run_id as "runId", run.namespace,
      ${milliseconds("task.available_at")} as "availableAt"
    from (
      select * from {schema}.tasks where attempt > 3 limit $most::integer
    ) as task join {schema}.runs as run on run.id = task.run
    where task.state = 'ready' and task.available_at > clock_timestamp()
    order by task.run, task.position`,
  ),

  // REPAIR-1, REPAIR-2
  retryNow: statement(
    { ...SEEN_TASKS, ...OPERATOR },
    rows<TaskKey>(),
    `
    with clock as materialized (select ${CLOCK} as at),
    given as materialized (select * from ${unnested("given", SEEN_TASKS)}),
    held as materialized (
      select task.run, task.position from {schema}.tasks as task
      join given on given.run = task.run and given.position = task.position
        and given.was_attempt = task.attempt
        and given.was_due = ${milliseconds("task.available_at")}
      where task.state = 'ready'
      order by task.run, task.position for update of task skip locked
    ),
    due as (
      update {schema}.tasks as task set
        available_at = clock.at,
        expires_at = least(clock.at + ${after("task.wait_ms")}, task.closes_at)
      from held, clock
      where task.run = held.run and task.position = held.position
      returning task.run, task.position, task.name, task.attempt
    ),
    recorded as (
      insert into {schema}.operations
        (${OPERATOR_COLUMNS}, action, namespace, target, before, outcome)
      select ${OPERATOR_VALUES}, 'repair.retry_now', run.namespace, run.run_id,
        json_build_object('activity', due.name, 'position', due.position, 'attempt', due.attempt),
        'done'
      from due join {schema}.runs as run on run.id = due.run
    )
    select run, position from due`,
  ),

  unnotified: statement(
    { most: NUMBER, lateMs: NUMBER },
    rows<UnnotifiedRun>(),
    `
    select id, run_id as "runId", namespace from (
      select id, run_id, namespace, ended_at from {schema}.runs
      where must_notify and ended_at is not null order by id limit $most::integer
    ) as ended
    where ended_at < clock_timestamp() - ${after("$lateMs::float8")} order by id`,
  ),

  noteUnnotified: statement(
    { runs: BIGINTS, ...OPERATOR },
    rows<{ readonly id: number }>(),
    `
    with found as materialized (
      select id, run_id, namespace from {schema}.runs
      where id = any($runs::bigint[]) and must_notify
    ),
    recorded as (
      insert into {schema}.operations
        (${OPERATOR_COLUMNS}, action, namespace, target, outcome)
      select ${OPERATOR_VALUES}, 'repair.notify', namespace, run_id, 'done' from found
    )
    select id from found`,
  ),

  noteReleased: statement(
    { ...OPERATOR, nodes: TEXTS },
    NO_ROWS,
    `
    insert into {schema}.operations (${OPERATOR_COLUMNS}, action, target, outcome)
    select ${OPERATOR_VALUES}, 'repair.release', node, 'done' from unnest($nodes::text[]) as node`,
  ),

  acknowledged: ACKNOWLEDGED,
};

/** {@linkcode RepairStore} in SQL. */
export class Repairs implements RepairStore {
  readonly #driver: SqlDriver;
  readonly #nodes: Nodes;
  readonly #sql: Prepared<typeof STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   * @param nodes Expires nodes.
   */
  constructor(driver: SqlDriver, schema: SchemaName, nodes: Nodes) {
    this.#driver = driver;
    this.#nodes = nodes;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /** See {@linkcode RepairStore.parked}. */
  parked(state: StuckState, most: number): Promise<ParkedRun[]> {
    return this.#sql.parked.query(this.#driver, { state, most });
  }

  /** See {@linkcode RepairStore.unpark}. */
  async unpark(runs: readonly ParkedRun[], operator: Operator): Promise<number[]> {
    const freed = await this.#sql.unpark.query(this.#driver, {
      ...operator,
      id: runs.map(({ id }) => id),
      wasState: runs.map(({ state }) => state),
      wasSince: runs.map(({ since }) => since),
      wasNext: runs.map(({ nextSeq }) => nextSeq),
    });
    return freed.map(({ id }) => id);
  }

  /** See {@linkcode RepairStore.queuedRetries}. */
  queuedRetries(most: number): Promise<QueuedRetry[]> {
    return this.#sql.queuedRetries.query(this.#driver, { most });
  }

  /** See {@linkcode RepairStore.retryNow}. */
  retryNow(tasks: readonly QueuedRetry[], operator: Operator): Promise<TaskKey[]> {
    return this.#sql.retryNow.query(this.#driver, {
      ...operator,
      run: tasks.map(({ run }) => run),
      position: tasks.map(({ position }) => position),
      wasAttempt: tasks.map(({ attempt }) => attempt),
      wasDue: tasks.map(({ availableAt }) => availableAt),
    });
  }

  /** See {@linkcode RepairStore.unnotified}. */
  unnotified(most: number, lateMs: number): Promise<UnnotifiedRun[]> {
    return this.#sql.unnotified.query(this.#driver, { most, lateMs });
  }

  /** See {@linkcode RepairStore.noteUnnotified}. */
  async noteUnnotified(runs: readonly number[], operator: Operator): Promise<number[]> {
    const rows = await this.#sql.noteUnnotified.query(this.#driver, { ...operator, runs });
    return rows.map(({ id }) => id);
  }

  /** See {@linkcode RepairStore.release}. REPAIR-2: in the transaction that frees the runs. */
  release(nodes: readonly DeadNode[], operator: Operator): Promise<string[]> {
    return this.#nodes.release(nodes, async (session, released) => {
      await this.#sql.noteReleased.query(session, { ...operator, nodes: released });
    });
  }

  /** See {@linkcode RepairStore.acknowledged}. */
  acknowledged(fingerprints: readonly string[]): Promise<Acknowledged[]> {
    return this.#sql.acknowledged.query(this.#driver, { fingerprints });
  }
}
