/**
 * Nodes: who is alive.
 *
 * - NODE-1, burial first: a run is free only once its node's row is gone. Rows are taken away and runs
 *   freed in one transaction of two statements: the second sees every claim that the dead made
 *   before their rows were held, and RUN-1 lets them make none after.
 *
 * @module
 */

import { legibleJson } from "../base/text.ts";
import type { Beat, HeldRun, NewNode, NodeStore } from "../ports/store.ts";
import type { SqlDriver, SqlSession } from "./sql/driver.ts";
import { IDLE_STATE } from "./journal/statements.ts";
import { NEXT_WAKE, noted, withMail } from "./runs/statements.ts";
import { NEXT_LOOK } from "./schedules/statements.ts";
import type { SchemaName } from "./schema/name.ts";
import { FREE_TASKS } from "./tasks/statements.ts";
import { arrayLiteral, CLOCK, milliseconds, storable } from "./sql/fragments.ts";

const LEASE = "clock_timestamp() + $2::float8 * interval '1 millisecond'";

/** RUN-2 of `store/runs/run_store.ts`: a run may have been taken more than once. */
const TAKEN = "select distinct unnest(runs) as id from taken";

/** So many runs of which a node and the database think differently are told of at a time. */
const MOST_DIFFERENT = 1_000;

const STATEMENTS = {
  open: `insert into {schema}.nodes (id, name, expires_at, serves)
    values ($1, $3, ${LEASE}, $4::text::json)`,

  heartbeat: `
    with beat as (update {schema}.nodes set expires_at = ${LEASE} where id = $1 returning id),
    taken as (
      delete from {schema}.leases where node = $1 and exists (select from beat) returning runs
    ),
    held as materialized (
      select run.id, run.token from (${TAKEN}) as given join {schema}.runs as run using (id)
      where run.node = $1
    ),
    known as materialized (
      select * from unnest($4::bigint[], $5::bigint[]) as known (id, token)
    ),
    ${noted("select $1, id from held")}
    select exists (select from beat) as alive,
      ${milliseconds(CLOCK)} as now,
      exists (
        select from {schema}.nodes where id <> $1 and expires_at < clock_timestamp()
      ) as dead,
      exists (select from {schema}.runs where lacks_version) as stuck,
      exists (select from {schema}.runs where must_notify) as "mustNotify",
      exists (select from {schema}.tasks) as tasks,
      (${NEXT_WAKE.replaceAll("$1", "$3")}) as "nextWake",
      ${milliseconds(NEXT_LOOK)} as "nextFire",
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
      exists (select from {schema}.tasks where node = $1) as leased`,

  bury: `
    with dead as materialized (
      select id from {schema}.nodes
      where id <> $1 and ($2::boolean or expires_at < clock_timestamp())
      order by id for update skip locked
    )
    delete from {schema}.nodes using dead where nodes.id = dead.id
    returning nodes.id`,

  close: `delete from {schema}.nodes where id = $1 returning id`,

  free: `
    with taken as (
      delete from {schema}.leases where node = any($1::text[]) returning runs
    )
    update {schema}.runs as run set
      state = ${IDLE_STATE},
      node = null,
      token = null,
      wake_at = ${CLOCK},
      since = ${CLOCK},
      claims_since_progress =
        case when $2::boolean then claims_since_progress
        else greatest(claims_since_progress - 1, 0) end
    from (${TAKEN}) as given
    where run.id = given.id and run.node = any($1::text[])
    returning run.id`,

  freeTasks: FREE_TASKS,

  forget: `
    with gone as (
      delete from {schema}.version_loads where node = any($1::text[]) returning hash, state
    )
    update {schema}.workflow_versions as version set load_crashes = load_crashes + crash.n
    from (
      select hash, count(*)::integer as n from gone
      where state = 'loading' and $2::boolean group by hash
    ) as crash
    where version.hash = crash.hash`,

  alive: `select id from {schema}.nodes where expires_at >= clock_timestamp() order by id`,
};

/** A heartbeat's answer; lists are JSON. */
type BeatRow = Omit<Beat, "woken" | "unknown" | "gone"> & {
  readonly woken: string;
  readonly unknown: string;
  readonly gone: string;
};

/** {@linkcode NodeStore} in SQL. */
export class Nodes implements NodeStore {
  readonly #driver: SqlDriver;
  readonly #sql: Record<keyof typeof STATEMENTS, string>;

  /**
   * Prepares the statements on nodes.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.fillAll(STATEMENTS);
  }

  /** See {@linkcode NodeStore.open}. */
  async open({ id, name, leaseMs, serves }: NewNode): Promise<void> {
    await this.#driver.query(this.#sql.open, [
      id,
      leaseMs,
      storable("a node's name", name),
      serves === undefined ? null : legibleJson(serves),
    ]);
  }

  /** See {@linkcode NodeStore.heartbeat}. A node that expired and was not buried lives on. */
  async heartbeat(
    id: string,
    leaseMs: number,
    excluded: readonly string[] = [],
    known: readonly HeldRun[] = [],
  ): Promise<Beat> {
    const [row] = await this.#driver.query<BeatRow>(
      this.#sql.heartbeat,
      [
        id,
        leaseMs,
        arrayLiteral(excluded),
        arrayLiteral(known.map(({ id }) => id)),
        arrayLiteral(known.map(({ token }) => token)),
      ],
    );
    const [woken, unknown, gone] = [row!.woken, row!.unknown, row!.gone].map((list) =>
      JSON.parse(list)
    );
    return { ...row!, woken, unknown, gone };
  }

  /** See {@linkcode NodeStore.expire}. */
  async expire(self: string, everyOther: boolean): Promise<{ nodes: number; runs: number }> {
    return await this.#driver.transaction(async (session) => {
      const dead = await session.query<{ id: string }>(this.#sql.bury, [self, everyOther]);
      if (dead.length === 0) return { nodes: 0, runs: 0 };
      const runs = await this.#free(session, dead.map(({ id }) => id), true);
      return { nodes: dead.length, runs };
    });
  }

  /** See {@linkcode NodeStore.close}. Giving runs back counts as no claim of them. */
  async close(id: string): Promise<void> {
    await this.#driver.transaction(async (session) => {
      const closed = await session.query(this.#sql.close, [id]);
      if (closed.length > 0) await this.#free(session, [id], false);
    });
  }

  /** See {@linkcode NodeStore.alive}. */
  async alive(): Promise<string[]> {
    return (await this.#driver.query<{ id: string }>(this.#sql.alive)).map(({ id }) => id);
  }

  async #free(session: SqlSession, nodes: readonly string[], died: boolean): Promise<number> {
    const runs = await session.query(this.#sql.free, [arrayLiteral(nodes), died]);
    await session.query(this.#sql.freeTasks, [arrayLiteral(nodes)]);
    await session.query(this.#sql.forget, [arrayLiteral(nodes), died]);
    return runs.length;
  }
}
