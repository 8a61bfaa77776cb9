/**
 * Denials: which versions and modules no node executes.
 *
 * @module
 */

import { legibleJson } from "../../base/text.ts";
import type {
  BarredVersion,
  DenialList,
  DenialStore,
  ListedDenial,
  ParkedRun,
} from "../../ports/denials.ts";
import type { StuckReason } from "../../ports/rows.ts";
import type { SchemaName } from "../schema/name.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { CLOCK, milliseconds, specifierIdsOf, storable } from "../sql/fragments.ts";
import { nullable, NUMBER, TEXT } from "../sql/parameters.ts";
import { NO_ROWS, type Prepared, rows, statement } from "../sql/statement.ts";

/** Differs whenever the denials differ; empty while there is none. */
export const DENIALS_STAMP = `(
    select coalesce(md5(string_agg(sha256, ',' order by sha256)), '') from {schema}.denied
  )`;

/**
 * The versions that a digest names. One that is not archived lists its members in its manifest alone
 * (MANIFEST-1).
 */
function hashesOf(sha256: string): string {
  return `
    select own.hash from {schema}.workflow_versions as own where own.hash = ${sha256}
    union
    select member.hash from {schema}.version_modules as member where member.sha256 = ${sha256}
    union
    select bare.hash from {schema}.workflow_versions as bare
    where not bare.archived
      and strpos(bare.manifest, chr(10) || 'member ' || ${sha256} || ' ') > 0`;
}

const STATEMENTS = {
  deny: statement(
    { sha256: TEXT, reason: TEXT, by: nullable(TEXT) },
    NO_ROWS,
    `
    insert into {schema}.denied (sha256, reason, denied_by) values ($sha256, $reason, $by)
    on conflict (sha256) do update set
      reason = excluded.reason, denied_by = excluded.denied_by, denied_at = clock_timestamp()`,
  ),

  allow: statement(
    { sha256: TEXT },
    rows<{ readonly sha256: string }>(),
    "delete from {schema}.denied where sha256 = $sha256 returning sha256",
  ),

  list: statement(
    {},
    rows<Omit<ListedDenial, "versions"> & { readonly versions: string; readonly stamp: string }>(),
    `
    select denied.sha256, denied.reason, denied.denied_by as by,
      ${milliseconds("denied.denied_at")} as at, ${DENIALS_STAMP} as stamp,
      (
        select coalesce(json_agg(hash), '[]')::text from (${hashesOf("denied.sha256")}) as barred
      ) as versions
    from {schema}.denied as denied order by denied.denied_at, denied.sha256`,
  ),

  versionsOf: statement(
    { sha256: TEXT },
    rows<BarredVersion>(),
    `
    select version.hash, version.workflow, version.label,
      exists (
        select from {schema}.workflows as name where name.current_hash = version.hash
      ) as "isCurrent"
    from (${hashesOf("$sha256")}) as barred
    join {schema}.workflow_versions as version using (hash)
    order by version.workflow, version.registered_at desc, version.hash`,
  ),

  park: statement(
    { hash: TEXT, reason: TEXT, limit: NUMBER },
    rows<ParkedRun>(),
    `
    with resting as materialized (
      select id from {schema}.runs
      where specifier_id = any(${specifierIdsOf("array[$hash]")}) and rests and stuck_reason is null
      order by id limit $limit::integer for update skip locked
    )
    update {schema}.runs as run set
      state = 'stuck_unknown_version',
      stuck_reason = $reason::text::json,
      since = ${CLOCK},
      wake_at = null,
      waits = null
    from (select id from resting order by id) as resting where run.id = resting.id
    returning run.run_id as "runId", run.watched`,
  ),

  forgetRefusals: statement(
    { hash: TEXT },
    NO_ROWS,
    "delete from {schema}.version_loads where hash = $hash and state = 'failed'",
  ),
};

/** {@linkcode DenialStore} in SQL. */
export class Denials implements DenialStore {
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

  /** See {@linkcode DenialStore.deny}. */
  async deny(sha256: string, reason: string, by: string | null): Promise<void> {
    storable("the reason of a denial", reason);
    storable("the name of a denial's author", by ?? "");
    await this.#sql.deny.query(this.#driver, { sha256, reason, by });
  }

  /** See {@linkcode DenialStore.allow}. */
  async allow(sha256: string): Promise<boolean> {
    return (await this.#sql.allow.query(this.#driver, { sha256 })).length > 0;
  }

  /** See {@linkcode DenialStore.list}. */
  async list(): Promise<DenialList> {
    const found = await this.#sql.list.query(this.#driver);
    return {
      stamp: found[0]?.stamp ?? "",
      denials: found.map(({ stamp: _, ...row }) => ({
        ...row,
        versions: JSON.parse(row.versions),
      })),
    };
  }

  /** See {@linkcode DenialStore.versionsOf}. */
  async versionsOf(sha256: string): Promise<BarredVersion[]> {
    return await this.#sql.versionsOf.query(this.#driver, { sha256 });
  }

  /** See {@linkcode DenialStore.park}. */
  async park(hash: string, reason: StuckReason, limit: number): Promise<ParkedRun[]> {
    const asked = { hash, reason: legibleJson(reason), limit };
    return await this.#sql.park.query(this.#driver, asked);
  }

  /** See {@linkcode DenialStore.forgetRefusals}. */
  async forgetRefusals(hash: string): Promise<void> {
    await this.#sql.forgetRefusals.query(this.#driver, { hash });
  }
}
