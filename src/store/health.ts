/**
 * Queries that find trouble: each statement reads along an index, and a bounded number of rows.
 *
 * - HEALTH-1: trouble that lasts is reported at every moment, even while a node retries what it
 *   could not do.
 *
 * @module
 */

import type {
  DueRuns,
  ExpiredNode,
  ExpiredTasks,
  FailingTasks,
  FleetNode,
  HealthStore,
  LateSchedule,
  QueueLoad,
  Serves,
  StuckRuns,
  UnnotifiedEnds,
  WaitingTasks,
} from "../ports/health.ts";
import type { RunState } from "../ports/rows.ts";
import type { SqlDriver } from "./sql/driver.ts";
import type { SchemaName } from "./schema/name.ts";
import { CLOCK, milliseconds } from "./sql/fragments.ts";
import { NUMBER } from "./sql/parameters.ts";
import { type Prepared, rows, statement } from "./sql/statement.ts";

/** What became due before this time is late. */
const LATE = "clock_timestamp() - $lateMs::float8 * interval '1 millisecond'";

function dueAnd(which: string): string {
  return `(
          select specifier_id, wake_at from {schema}.runs
          where wake_at <= (select clock_timestamp()) and ${which}
          order by wake_at limit $most::integer
        )`;
}

/**
 * HEALTH-1: a node that has recorded that it can't load a version gives its runs back at once, so
 * these runs wait for another node even while this one holds them. The node's newest leases list
 * them. Each looks its version up by itself: a join by the node would pair it with all that the node
 * can't load.
 */
const TRIED_RUNS = `
      select run.specifier_id, ${CLOCK} as wake_at
      from (
        select unnest(lease.runs) as id, lease.node from {schema}.leases as lease
        where lease.node in (
          select load.node from {schema}.version_loads as load where load.state = 'failed'
        )
        order by lease.id desc limit $most::integer
      ) as given
      join {schema}.runs as run on run.id = given.id and run.node = given.node
      cross join lateral (
        select from {schema}.workflow_specifiers as pin
        join {schema}.version_loads as load on load.hash = pin.hash
        where pin.id = run.specifier_id and load.node = given.node and load.state = 'failed' limit 1
      ) as failed
      group by run.id, run.specifier_id`;

/** HEALTH-1, for tasks: those that such a node has leased, likewise. */
const TRIED_TASKS = `
      select task.queue, task.name, task.hash, task.available_at
      from {schema}.tasks as task
      cross join lateral (
        select from {schema}.version_loads as load
        where load.hash = task.hash and load.node = task.node and load.state = 'failed' limit 1
      ) as failed
      where task.node is not null and task.available_at < ${LATE} limit $most::integer`;

/**
 * The values that a column has in some rows, and a null, as a recursive query. They are found one by
 * one along an index, where there are few, however many rows there are.
 */
function valuesOf(name: string, column: string, table: string, which: string): string {
  return `${name} as (
      (select ${column} from {schema}.${table} where ${which} order by ${column} limit 1)
      union all
      select (
        select next.${column} from {schema}.${table} as next
        where ${which} and next.${column} > ${name}.${column} order by next.${column} limit 1
      )
      from ${name} where ${name}.${column} is not null
    )`;
}

/** The queues that hold ready tasks. */
const READY_QUEUES = valuesOf("queues", "queue", "tasks", "state = 'ready'");

const STATEMENTS = {
  nodes: statement(
    {},
    rows<{ readonly id: string; readonly serves: string | null }>(),
    `
    select id, serves::text as serves from {schema}.nodes
    where expires_at >= clock_timestamp() order by id`,
  ),

  fleet: statement(
    {},
    rows<
      & Omit<FleetNode, "serves" | "loaded" | "cannotLoad">
      & { serves: string | null; loaded: string | null; cannotLoad: string }
    >(),
    `
    select node.id, node.name, node.serves::text as serves,
      array_to_json(node.loaded)::text as loaded,
      ${milliseconds("node.started_at")} as "startedAt",
      ${milliseconds("node.expires_at")} as "expiresAt",
      (select count(*) from {schema}.tasks as task where task.node = node.id)::integer as tasks,
      (
        select coalesce(json_agg(load.hash order by load.hash), '[]')
        from {schema}.version_loads as load
        where load.node = node.id and load.state = 'failed'
      )::text as "cannotLoad"
    from {schema}.nodes as node
    where node.expires_at >= clock_timestamp() order by node.started_at, node.id`,
  ),

  // The orders are those of indexes, so that no table is read as a whole.
  live: statement(
    { most: NUMBER },
    rows<{ readonly state: RunState; readonly runs: number }>(),
    `
    with held as (
      select distinct unnest(runs) as id from {schema}.leases limit $most::integer
    ),
    found as (
      (
        select run.state from held join {schema}.runs as run on run.id = held.id
        where run.state = 'running'
      )
      union all
      (
        select run.state from {schema}.runs as run
        where run.wake_at is not null and run.started_at is null and run.state = 'pending'
        order by run.wake_at limit $most::integer
      )
      union all
      (
        select run.state from {schema}.runs as run
        where run.given_back order by run.wake_at limit $most::integer
      )
      union all
      (
        select run.state from {schema}.runs as run
        where run.stuck_reason is not null order by run.specifier_id limit $most::integer
      )
      union all
      (
        select rest.state from (
          select run.state from {schema}.runs as run
          where run.rests order by run.specifier_id, run.created_at limit 3 * $most::integer
        ) as rest
        where rest.state = 'suspended' limit $most::integer
      )
    )
    select state, count(*)::integer as runs from found group by state order by state`,
  ),

  queues: statement(
    { most: NUMBER },
    rows<QueueLoad>(),
    `
    with recursive ${READY_QUEUES},
    leased as (
      select queue, count(*)::integer as tasks from {schema}.tasks
      where node is not null group by queue
    )
    select coalesce(queues.queue, leased.queue) as name, coalesce(leased.tasks, 0) as executing,
      coalesce(found.ready, 0)::integer as ready, coalesce(found.delayed, 0)::integer as delayed,
      ${milliseconds("found.oldest")} as oldest
    from (select queue from queues where queue is not null) as queues
    cross join lateral (
      select count(*) as ready, count(*) filter (where available_at > clock_timestamp()) as delayed,
        min(available_at) filter (where available_at <= clock_timestamp()) as oldest
      from (
        select task.available_at from {schema}.tasks as task
        where task.state = 'ready' and task.queue = queues.queue limit $most::integer
      ) as first
    ) as found
    full join leased on leased.queue = queues.queue
    order by 1`,
  ),

  stuck: statement(
    { most: NUMBER },
    rows<StuckRuns>(),
    `
    with recursive ${valuesOf("parked", "specifier_id", "runs", "stuck_reason is not null")}
    select version.hash, version.workflow, version.label, found.state,
      sum(found.runs)::integer as runs, bool_or(found.read = $most::integer) as more,
      ${milliseconds("min(found.since)")} as since
    from parked
    join {schema}.workflow_specifiers as pin on pin.id = parked.specifier_id
    join {schema}.workflow_versions as version on version.hash = pin.hash
    cross join lateral (
      select state, count(*) as runs, sum(count(*)) over () as read, min(since) as since
      from (
        select run.state, run.since from {schema}.runs as run
        where run.specifier_id = pin.id and run.stuck_reason is not null limit $most::integer
      ) as first
      group by state
    ) as found
    group by version.hash, found.state
    order by version.workflow, version.hash, found.state`,
  ),

  due: statement(
    { most: NUMBER, lateMs: NUMBER },
    rows<DueRuns>(),
    `
    with due as materialized (
      select specifier_id, wake_at from (
        ${dueAnd("started_at is not null")} union all ${dueAnd("started_at is null")}
      ) as due order by wake_at limit $most::integer
    ),
    tried as materialized (${TRIED_RUNS}),
    wanted as (select * from due union all select * from tried)
    select version.hash, version.workflow, version.label, count(*)::integer as runs,
      (count(*) filter (where wanted.wake_at < ${LATE}))::integer as late,
      (select count(*) from due) = $most::integer as more, ${
      milliseconds("min(wanted.wake_at)")
    } as since
    from wanted join {schema}.workflow_specifiers as pin on pin.id = wanted.specifier_id
    join {schema}.workflow_versions as version on version.hash = pin.hash
    group by version.hash
    order by version.workflow, version.hash`,
  ),

  waiting: statement(
    { most: NUMBER, lateMs: NUMBER },
    rows<WaitingTasks>(),
    `
    with recursive ${READY_QUEUES},
    wanted as (
      select first.* from queues cross join lateral (
        select task.queue, task.name, task.hash, task.available_at from {schema}.tasks as task
        where task.state = 'ready' and task.queue = queues.queue
        order by task.priority desc, task.available_at limit $most::integer
      ) as first
      where first.available_at < ${LATE}
      union all (${TRIED_TASKS})
    )
    select queue, name, hash, count(*)::integer as tasks,
      ${milliseconds("min(available_at)")} as since
    from wanted group by queue, name, hash order by queue, name, hash`,
  ),

  // The index contains only tasks that have failed several times.
  failing: statement(
    { most: NUMBER },
    rows<FailingTasks>(),
    `
    select name, queue, count(*)::integer as tasks, max(attempt)::integer - 1 as attempts,
      ${milliseconds("min(scheduled_at)")} as since, ${milliseconds("min(next_at)")} as "nextAt",
      (array_agg(error order by attempt desc))[1] as error
    from (
      select name, queue, attempt, scheduled_at,
        case when state = 'ready' then available_at end as next_at,
        failures -> -1 ->> 'error' as error
      from {schema}.tasks where attempt > 3 limit $most::integer
    ) as failing
    group by name, queue
    order by name, queue`,
  ),

  // Expiry deletes the leases of a node with its row, so leases without a row show that it was
  // removed in another way.
  expiredNodes: statement(
    { most: NUMBER, lateMs: NUMBER },
    rows<ExpiredNode>(),
    `
    with recursive ${valuesOf("task_nodes", "node", "tasks", "node is not null")},
    holders as (
      (select distinct node from {schema}.leases where array_length(runs, 1) > 0
        limit $most::integer)
      union
      (select node from task_nodes where node is not null limit $most::integer)
    )
    select holder.node as id, ${milliseconds("node.expires_at")} as "expiredAt"
    from holders as holder left join {schema}.nodes as node on node.id = holder.node
    where node.id is null or node.expires_at < ${LATE}
    order by holder.node limit $most::integer`,
  ),

  unnotifiedEnds: statement(
    { most: NUMBER, lateMs: NUMBER },
    rows<UnnotifiedEnds>(),
    `
    select count(*)::integer as runs, count(*) = $most::integer as more,
      ${milliseconds("min(ended_at)")} as since
    from (
      select ended_at from {schema}.runs where must_notify and ended_at is not null
      order by id limit $most::integer
    ) as ended
    where ended_at < ${LATE}
    having count(*) > 0`,
  ),

  lateSchedules: statement(
    { lateMs: NUMBER },
    rows<LateSchedule>(),
    `
    select namespace, schedule_id as id, ${milliseconds("fire_at")} as "fireAt"
    from {schema}.schedules where fire_at is not null and fire_at < ${LATE}
    order by fire_at limit 100`,
  ),

  expiredTasks: statement(
    { most: NUMBER, lateMs: NUMBER },
    rows<ExpiredTasks>(),
    `
    select name, queue, count(*)::integer as tasks, ${milliseconds("min(expires_at)")} as since
    from (
      select name, queue, expires_at from {schema}.tasks
      where expires_at is not null and expires_at < ${LATE}
      order by expires_at limit $most::integer
    ) as expired
    group by name, queue order by name, queue`,
  ),
};

/** {@linkcode HealthStore} in SQL. */
export class HealthFacts implements HealthStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof STATEMENTS>;

  /**
   * Prepares the statements.
   * @param schema The schema of the tables.
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /** See {@linkcode HealthStore.nodes}. */
  async nodes(): Promise<{ readonly id: string; readonly serves: Serves | null }[]> {
    const rows = await this.#sql.nodes.query(this.#driver);
    return rows.map(({ id, serves }) => ({
      id,
      serves: serves === null ? null : JSON.parse(serves),
    }));
  }

  /** See {@linkcode HealthStore.fleet}. */
  async fleet(): Promise<FleetNode[]> {
    return (await this.#sql.fleet.query(this.#driver)).map((
      { serves, loaded, cannotLoad, ...node },
    ) => ({
      ...node,
      serves: serves === null ? null : JSON.parse(serves),
      loaded: loaded === null ? null : JSON.parse(loaded),
      cannotLoad: JSON.parse(cannotLoad),
    }));
  }

  /** See {@linkcode HealthStore.queues}. */
  queues(most: number): Promise<QueueLoad[]> {
    return this.#sql.queues.query(this.#driver, { most });
  }

  /** See {@linkcode HealthStore.live}. */
  live(most: number): Promise<{ readonly state: RunState; readonly runs: number }[]> {
    return this.#sql.live.query(this.#driver, { most });
  }

  /** See {@linkcode HealthStore.stuck}. */
  stuck(most: number): Promise<StuckRuns[]> {
    return this.#sql.stuck.query(this.#driver, { most });
  }

  /** See {@linkcode HealthStore.due}. */
  due(most: number, lateMs: number): Promise<DueRuns[]> {
    return this.#sql.due.query(this.#driver, { most, lateMs });
  }

  /** See {@linkcode HealthStore.failing}. */
  failing(most: number): Promise<FailingTasks[]> {
    return this.#sql.failing.query(this.#driver, { most });
  }

  /** See {@linkcode HealthStore.waiting}. */
  waiting(most: number, lateMs: number): Promise<WaitingTasks[]> {
    return this.#sql.waiting.query(this.#driver, { most, lateMs });
  }

  /** See {@linkcode HealthStore.expiredNodes}. */
  expiredNodes(most: number, lateMs: number): Promise<ExpiredNode[]> {
    return this.#sql.expiredNodes.query(this.#driver, { most, lateMs });
  }

  /** See {@linkcode HealthStore.unnotifiedEnds}. */
  async unnotifiedEnds(most: number, lateMs: number): Promise<UnnotifiedEnds | null> {
    return (await this.#sql.unnotifiedEnds.query(this.#driver, { most, lateMs }))[0] ?? null;
  }

  /** See {@linkcode HealthStore.lateSchedules}. */
  lateSchedules(lateMs: number): Promise<LateSchedule[]> {
    return this.#sql.lateSchedules.query(this.#driver, { lateMs });
  }

  /** See {@linkcode HealthStore.expiredTasks}. */
  expiredTasks(most: number, lateMs: number): Promise<ExpiredTasks[]> {
    return this.#sql.expiredTasks.query(this.#driver, { most, lateMs });
  }
}
