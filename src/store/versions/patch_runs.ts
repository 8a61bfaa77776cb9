/**
 * What the histories of live runs say of patches.
 *
 * @module
 */

import type { PatchRun, PatchStore } from "../../ports/patch_runs.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { milliseconds, specifierIdsOf, timestamp } from "../sql/fragments.ts";
import { nullable, NUMBER, TEXTS } from "../sql/parameters.ts";
import { type Prepared, rows, statement } from "../sql/statement.ts";

type RawPatchRun = Omit<PatchRun, "taken"> & { readonly taken: string };

const AFTER = `($afterAt::float8 is null or (run.created_at, run.id) > (
        ${timestamp("$afterAt::float8")}, $afterId::bigint
      ))`;

const STATEMENTS = {
  // A run that a node holds does not rest, and stands in a bundle of `leases` (RUN-2).
  runs: statement(
    { hashes: TEXTS, afterAt: nullable(NUMBER), afterId: NUMBER, limit: NUMBER },
    rows<RawPatchRun>(),
    `
  with pin as materialized (select ${specifierIdsOf("$hashes::text[]")} as ids),
  live as materialized (
    (
      select run.id, run.created_at from {schema}.runs as run
      where run.specifier_id = any(array(select unnest(ids) from pin)) and run.rests and ${AFTER}
      order by run.created_at, run.id limit $limit::integer
    )
    union
    (
      select run.id, run.created_at
      from (
        select distinct unnest(lease.runs) as id from {schema}.leases as lease
      ) as held
      join {schema}.runs as run on run.id = held.id
      where run.specifier_id = any(array(select unnest(ids) from pin)) and run.ended_at is null
        and ${AFTER}
      order by run.created_at, run.id limit $limit::integer
    )
  ),
  listed as materialized (
    select id from live order by created_at, id limit $limit::integer
  )
  select run.id, run.run_id as "runId", run.namespace, pin.hash,
    ${milliseconds("run.created_at")} as "createdAt",
    run.next_seq > run.first_seq as "hasHistory", run.origin is not null as "isFork",
    (
      select coalesce(json_agg(event.name), '[]')::text from {schema}.events as event
      where event.run = run.id and event.seq >= run.first_seq and event.kind = 'patched'
    ) as taken,
    (
      select event.payload::text from {schema}.events as event
      where event.run = run.id and event.seq >= run.first_seq and event.kind = 'version.changed'
      order by event.seq limit 1
    ) as moved
  from listed join {schema}.runs as run on run.id = listed.id
  join {schema}.workflow_specifiers as pin on pin.id = run.specifier_id
  order by run.created_at, run.id`,
  ),
};

/** {@linkcode PatchStore} in SQL. */
export class PatchRuns implements PatchStore {
  readonly #driver: SqlDriver;
  readonly #sql: Prepared<typeof STATEMENTS>;

  /**
   * Prepares the statements.
   *
   * @param driver The database.
   * @param schema Where the tables are.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#sql = schema.prepare(STATEMENTS);
  }

  /** See {@linkcode PatchStore.runs}. */
  async runs(
    hashes: readonly string[],
    after: { readonly createdAt: number; readonly id: number } | null,
    limit: number,
  ): Promise<PatchRun[]> {
    const place = { afterAt: after?.createdAt ?? null, afterId: after?.id ?? 0 };
    const found = await this.#sql.runs.query(this.#driver, { hashes, ...place, limit });
    return found.map((run) => ({ ...run, taken: JSON.parse(run.taken) }));
  }
}
