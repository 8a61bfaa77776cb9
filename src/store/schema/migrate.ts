/**
 * Brings a schema up to this engine's version.
 *
 * @module
 */

import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import { DatabaseUnsuitableError, MigrationChangedError, SchemaTooNewError } from "../errors.ts";
import { type Migration, MIGRATIONS } from "./migrations.gen.ts";
import type { SchemaName } from "./name.ts";

const FIND_SCHEMA = `select 1 from pg_namespace where nspname = $1`;

const FIND_VERSIONS =
  `select 1 from pg_tables where schemaname = $1 and tablename = 'schema_versions'`;

const LOCK = `select pg_advisory_xact_lock(hashtextextended('continuum:' || $1, 0))`;

const CREATE_VERSIONS = `
  create table {schema}.schema_versions (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp()
  )`;

const APPLIED = `select version, checksum from {schema}.schema_versions order by version`;

const NOTE = `insert into {schema}.schema_versions (version, name, checksum) values ($1, $2, $3)`;

/**
 * Applies the migrations that a schema lacks, all in one transaction. Several processes may do so
 * at once: an advisory lock, which ends with the transaction, serializes them.
 *
 * @param driver The database.
 * @param schema The schema; created if it does not exist.
 * @param migrations The migrations that this engine knows, in order.
 * @throws {SchemaTooNewError} If a newer engine has migrated the schema.
 * @throws {MigrationChangedError} If an applied migration differs from this engine's.
 */
export async function migrate(
  driver: SqlDriver,
  schema: SchemaName,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await withRights(driver.transaction(async (session) => {
    await session.query(LOCK, [schema.name]);
    const applied = await appliedVersions(session, schema);
    const newest = applied.at(-1)?.version ?? 0;
    if (newest > migrations.length) {
      throw new SchemaTooNewError(schema.name, newest, migrations.length);
    }
    for (const { version, checksum } of applied) {
      const wanted = migrations[version - 1]?.checksum ?? "nothing";
      if (checksum !== wanted) {
        throw new MigrationChangedError(schema.name, version, checksum, wanted);
      }
    }
    for (const migration of migrations.slice(newest)) {
      await session.script(schema.fill(migration.sql));
      await session.query(schema.fill(NOTE), [
        migration.version,
        migration.name,
        migration.checksum,
      ]);
    }
    await checkRights(session, schema);
  }));
}

/**
 * Finds a right to read or write the tables that the role lacks; `schema_versions` is only read.
 */
const LACKING = `
  select tables.relname as "table", wanted.right
  from pg_class as tables cross join unnest(array['select', 'insert', 'update', 'delete']) as wanted ("right")
  where tables.relnamespace = to_regnamespace(quote_ident($1)) and tables.relkind in ('r', 'p')
    and not has_table_privilege(tables.oid, wanted.right)
    and (tables.relname <> 'schema_versions' or wanted.right = 'select')
  order by 1, 2 limit 1`;

async function checkRights(session: SqlSession, schema: SchemaName): Promise<void> {
  const [lacking] = await session.query<{ table: string; right: string }>(LACKING, [schema.name]);
  if (lacking === undefined) return;
  const { table, right } = lacking;
  throw new DatabaseUnsuitableError(
    "the role's rights",
    `no right to ${right} on ${schema.name}.${table}`,
    `select, insert, update and delete on all tables of schema ${schema.name}`,
  );
}

/** SQLSTATE 42501: opening a schema for the first time, or with a newer release, changes tables. */
async function withRights<T>(migrating: Promise<T>): Promise<T> {
  try {
    return await migrating;
  } catch (error) {
    const refusal = [error, (error as Error).cause].find((each) =>
      (each as { code?: unknown } | undefined)?.code === "42501"
    );
    if (refusal === undefined) throw error;
    throw new DatabaseUnsuitableError(
      "the role's rights",
      (refusal as Error).message,
      "a role that may create and change the schema for this first use; later uses need fewer rights",
      refusal,
    );
  }
}

async function appliedVersions(
  session: SqlSession,
  schema: SchemaName,
): Promise<{ version: number; checksum: string }[]> {
  // Looked up first: "if not exists" requires the right to create even if nothing is created.
  if (!await isThere(session, FIND_VERSIONS, schema)) {
    if (!await isThere(session, FIND_SCHEMA, schema)) {
      await session.script(schema.fill("create schema {schema}"));
    }
    await session.script(schema.fill(CREATE_VERSIONS));
  }
  return await session.query(schema.fill(APPLIED));
}

async function isThere(session: SqlSession, find: string, schema: SchemaName): Promise<boolean> {
  return (await session.query(find, [schema.name])).length > 0;
}
