/**
 * Nodes and their leases.
 *
 * - NODE-1, the row goes first: a run is free only once its node's row is gone. One transaction of two
 *   statements deletes rows and frees runs: the second one sees every claim that an expired node
 *   made before its row was locked, and RUN-1 lets it make none after.
 *
 * @module
 */

import { legibleJson } from "../base/text.ts";
import type { DeadNode } from "../ports/repairs.ts";
import type { Beat, HeldRun, NewNode, NodeStore } from "../ports/store.ts";
import type { SqlDriver, SqlSession } from "./sql/driver.ts";
import { IDLE_STATE, noted, withMail } from "./runs/fragments.ts";
import { NEXT_WAKE } from "./runs/lease_statements.ts";
import { NEXT_LIMIT } from "./limits/statements.ts";
import { NEXT_LOOK } from "./schedules/read_statements.ts";
import type { SchemaName } from "./schema/name.ts";
import { FREE_TASKS } from "./tasks/run_task_statements.ts";
import { CLOCK, milliseconds, storable } from "./sql/fragments.ts";
import { BIGINTS, BOOLEAN, nullable, NUMBER, TEXT, TEXTS } from "./sql/parameters.ts";
import { DENIALS_STAMP } from "./versions/denial_store.ts";
import { NO_ROWS, type Prepared, rows, statement } from "./sql/statement.ts";

const LEASE = "clock_timestamp() + $leaseMs::float8 * interval '1 millisecond'";

/** RUN-2 of `store/runs/run_store.ts`: the list may name a run several times. */
const TAKEN = "select distinct unnest(runs) as id from taken";

/** The most runs that a heartbeat lists as held by only the node or only the database. */
const MOST_DIFFERENT = 1_000;

/** A heartbeat's row; lists are JSON. */
type BeatRow = Omit<Beat, "woken" | "unknown" | "gone"> & {
  readonly woken: string;
  readonly unknown: string;
  readonly gone: string;
};

const STATEMENTS = {
  open: statement(
    { id: TEXT, leaseMs: NUMBER, name: TEXT, serves: nullable(TEXT) },
    NO_ROWS,
    `insert into {schema}.nodes (id, name, expires_at, serves)
    values ($id, $name, ${LEASE}, $serves::text::json)`,
  ),

  heartbeat: statement(
    {
      node: TEXT,
      leaseMs: NUMBER,
      excluded: TEXTS,
      knownIds: BIGINTS,
      knownTokens: BIGINTS,
      loaded: nullable(TEXTS),
    },
    rows<BeatRow>(),
    `
    with beat as (
      update {schema}.nodes
      set expires_at = ${LEASE}, loaded = coalesce($loaded::text[], loaded)
      where id = $node returning id
    ),
    taken as (
      delete from {schema}.leases where node = $node and exists (select from beat) returning runs
    ),
    held as materialized (
      select run.id, run.token from (${TAKEN}) as given join {schema}.runs as run using (id)
      where run.node = $node
    ),
    known as materialized (
      select * from unnest($knownIds::bigint[], $knownTokens::bigint[]) as known (id, token)
    ),
    ${noted("select $node, id from held")}
    select exists (select from beat) as alive,
      ${milliseconds(CLOCK)} as now,
      exists (
        select from {schema}.nodes where id <> $node and expires_at < clock_timestamp()
      ) as "anyExpired",
      exists (select from {schema}.runs where lacks_version) as stuck,
      exists (select from {schema}.runs where must_notify) as "mustNotify",
      exists (select from {schema}.tasks) as tasks,
      (${NEXT_WAKE}) as "nextWake",
      ${milliseconds(NEXT_LOOK)} as "nextFire",
      (${NEXT_LIMIT}) as "nextLimit",
      (
        select coalesce(json_agg(mail.id), '[]') from (${withMail("select id from held")}) as mail
      )::text as woken,
      (
        select coalesce(json_agg(json_build_object('id', id, 'token', token)), '[]') from (
          select id, token from held
          where not exists (
            select from known where known.id = held.id and known.token = held.token
          ) limit ${MOST_DIFFERENT}
        ) as unknown
      )::text as unknown,
      (
        select coalesce(json_agg(id), '[]') from (
          select id from known
          where not exists (
            select from held where held.id = known.id and held.token = known.token
          ) limit ${MOST_DIFFERENT}
        ) as gone
      )::text as gone,
      exists (select from {schema}.tasks where node = $node) as leased,
      ${DENIALS_STAMP} as denials`,
  ),

  expire: statement(
    { self: TEXT, everyOther: BOOLEAN },
    rows<{ readonly id: string }>(),
    `
    with expired as materialized (
      select id from {schema}.nodes
      where id <> $self and ($everyOther::boolean or expires_at < clock_timestamp())
      order by id for update skip locked
    )
    delete from {schema}.nodes using expired where nodes.id = expired.id
    returning nodes.id`,
  ),

  // A node without a row is not locked: its id is never used again.
  release: statement(
    { ids: TEXTS, wasExpired: BIGINTS },
    rows<{ readonly id: string }>(),
    `
    with given as materialized (
      select * from unnest($ids::text[], $wasExpired::bigint[]) as given (id, was_expired)
    ),
    expired as materialized (
      select node.id from {schema}.nodes as node join given
        on given.id = node.id and given.was_expired = ${milliseconds("node.expires_at")}
      where node.expires_at < clock_timestamp()
      order by node.id for update of node skip locked
    ),
    gone as (
      delete from {schema}.nodes using expired where nodes.id = expired.id returning nodes.id
    )
    select id from gone
    union all
    select given.id from given where given.was_expired is null
      and not exists (select from {schema}.nodes where nodes.id = given.id)`,
  ),

  close: statement(
    { id: TEXT },
    rows<{ readonly id: string }>(),
    `delete from {schema}.nodes where id = $id returning id`,
  ),

  free: statement(
    { nodes: TEXTS, died: BOOLEAN },
    rows<{ readonly id: number }>(),
    `
    with taken as (
      delete from {schema}.leases where node = any($nodes::text[]) returning runs
    )
    update {schema}.runs as run set
      state = ${IDLE_STATE},
      node = null,
      token = null,
      wake_at = ${CLOCK},
      since = ${CLOCK},
      claims_since_progress =
        case when $died::boolean then claims_since_progress
        else greatest(claims_since_progress - 1, 0) end
    from (${TAKEN}) as given
    where run.id = given.id and run.node = any($nodes::text[])
    returning run.id`,
  ),

  freeTasks: FREE_TASKS,

  forget: statement(
    { nodes: TEXTS, died: BOOLEAN },
    NO_ROWS,
    `
    with gone as (
      delete from {schema}.version_loads where node = any($nodes::text[]) returning hash, state
    )
    update {schema}.workflow_versions as version set load_crashes = load_crashes + crash.n
    from (
      select hash, count(*)::integer as n from gone
      where state = 'loading' and $died::boolean group by hash
    ) as crash
    where version.hash = crash.hash`,
  ),

  alive: statement(
    {},
    rows<{ readonly id: string }>(),
    `select id from {schema}.nodes where expires_at >= clock_timestamp() order by id`,
  ),
};

/** {@linkcode NodeStore} in SQL. */
export class Nodes implements NodeStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof STATEMENTS>;

  /**
   * Prepares the statements on nodes.
   *
   * @param driver The database.
   * @param schema The schema of the tables.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /** See {@linkcode NodeStore.open}. */
  async open({ id, name, leaseMs, serves }: NewNode): Promise<void> {
    await this.#sql.open.query(this.#driver, {
      id,
      leaseMs,
      name: storable("a node's name", name),
      serves: serves === undefined ? null : legibleJson(serves),
    });
  }

  /** See {@linkcode NodeStore.heartbeat}. A node that expired and still has its row stays alive. */
  async heartbeat(
    id: string,
    leaseMs: number,
    excluded: readonly string[] = [],
    known: readonly HeldRun[] = [],
    loaded: readonly string[] | null = null,
  ): Promise<Beat> {
    const [row] = await this.#sql.heartbeat.query(this.#driver, {
      node: id,
      leaseMs,
      excluded,
      knownIds: known.map(({ id }) => id),
      knownTokens: known.map(({ token }) => token),
      loaded,
    });
    const [woken, unknown, gone] = [row!.woken, row!.unknown, row!.gone].map((list) =>
      JSON.parse(list)
    );
    return { ...row!, woken, unknown, gone };
  }

  /** See {@linkcode NodeStore.expire}. */
  async expire(self: string, everyOther: boolean): Promise<{ nodes: number; runs: number }> {
    return await this.#driver.transaction(async (session) => {
      const expired = await this.#sql.expire.query(session, { self, everyOther });
      if (expired.length === 0) return { nodes: 0, runs: 0 };
      const runs = await this.#free(session, expired.map(({ id }) => id), true);
      return { nodes: expired.length, runs };
    });
  }

  /**
   * Expires nodes that are not alive, if their leases ended when the caller saw it, and frees their
   * runs and tasks (NODE-1).
   *
   * @param nodes The nodes; `expiredAt` is `null` for those that have no row.
   * @param done Called in the same transaction with the released nodes.
   * @returns The released nodes.
   */
  async release(
    nodes: readonly DeadNode[],
    done: (session: SqlSession, released: readonly string[]) => Promise<void>,
  ): Promise<string[]> {
    return await this.#driver.transaction(async (session) => {
      const rows = await this.#sql.release.query(session, {
        ids: nodes.map(({ id }) => id),
        wasExpired: nodes.map(({ expiredAt }) => expiredAt),
      });
      const released = rows.map(({ id }) => id);
      if (released.length === 0) return [];
      await this.#free(session, released, true);
      await done(session, released);
      return released;
    });
  }

  /** See {@linkcode NodeStore.close}. Giving runs back takes back the count of their claims. */
  async close(id: string): Promise<void> {
    await this.#driver.transaction(async (session) => {
      const closed = await this.#sql.close.query(session, { id });
      if (closed.length > 0) await this.#free(session, [id], false);
    });
  }

  /** See {@linkcode NodeStore.alive}. */
  async alive(): Promise<string[]> {
    return (await this.#sql.alive.query(this.#driver)).map(({ id }) => id);
  }

  async #free(session: SqlSession, nodes: readonly string[], died: boolean): Promise<number> {
    const runs = await this.#sql.free.query(session, { nodes, died });
    await this.#sql.freeTasks.query(session, { nodes });
    await this.#sql.forget.query(session, { nodes, died });
    return runs.length;
  }
}
