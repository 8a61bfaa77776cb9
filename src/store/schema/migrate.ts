/**
 * Brings a schema up to this engine's version.
 *
 * @module
 */

import type { MigrateMode } from "../../ports/store.ts";
import type { SqlDriver, SqlSession } from "../sql/driver.ts";
import { type Migration, MIGRATIONS } from "./migrations.gen.ts";
import { BOOLEAN, NUMBER, TEXT } from "../sql/parameters.ts";
import { NO_ROWS, type Prepared, rows, statement } from "../sql/statement.ts";
import type { SchemaName } from "./name.ts";
import { databaseUnsuitable, migrationChanged, schemaTooNew, schemaTooOld } from "../errors.ts";

const FIND_SCHEMA = statement(
  { schema: TEXT },
  rows<unknown>(),
  `select 1 from pg_namespace where nspname = $schema`,
);

const FIND_VERSIONS = statement(
  { schema: TEXT },
  rows<unknown>(),
  `select 1 from pg_tables where schemaname = $schema and tablename = 'schema_versions'`,
);

const LOCK = statement(
  { schema: TEXT },
  NO_ROWS,
  `select pg_advisory_xact_lock(hashtextextended('continuum:' || $schema, 0))`,
);

const CREATE_VERSIONS = `
  create table {schema}.schema_versions (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp()
  )`;

const APPLIED = statement(
  {},
  rows<{ version: number; checksum: string }>(),
  `select version, checksum from {schema}.schema_versions order by version`,
);

const NOTE = statement(
  { version: NUMBER, name: TEXT, checksum: TEXT },
  NO_ROWS,
  `insert into {schema}.schema_versions (version, name, checksum)
  values ($version, $name, $checksum)`,
);

/**
 * Finds a right to the tables that the role lacks: to read them, and for a node to write them, except
 * for what only migrations and operators write.
 */
const LACKING = statement(
  { schema: TEXT, executes: BOOLEAN },
  rows<{ readonly table: string; readonly right: string }>(),
  `
  select tables.relname as "table", wanted.right
  from pg_class as tables cross join unnest(array['select', 'insert', 'update', 'delete']) as wanted ("right")
  where tables.relnamespace = to_regnamespace(quote_ident($schema)) and tables.relkind in ('r', 'p')
    and not has_table_privilege(tables.oid, wanted.right)
    and (wanted.right = 'select'
      or $executes::boolean and tables.relname not in ('schema_versions', 'denied')
        and (tables.relname <> 'operations' or wanted.right <> 'delete'))
  order by 1, 2 limit 1`,
);

const STATEMENTS = {
  findSchema: FIND_SCHEMA,
  findVersions: FIND_VERSIONS,
  lock: LOCK,
  applied: APPLIED,
  note: NOTE,
  lacking: LACKING,
};

type Sql = Prepared<typeof STATEMENTS>;

/**
 * Brings a schema to this engine's version, or checks that it is there. All migrations are applied
 * in one transaction. Several processes may do so at once: an advisory lock, which ends with the
 * transaction, serializes them.
 *
 * @param driver The database.
 * @param schema The schema.
 * @param mode `apply`: applies what is missing. `create`: so in a schema that does not exist, or has
 * no migration yet; any other is checked. `check`: writes nothing, and takes no lock.
 * @param executes Whether the process executes runs: it needs the rights to write.
 * @param migrations The migrations that this engine knows, in order.
 * @throws {DatabaseError} (`SCHEMA_TOO_OLD`) If migrations are missing that `mode` does not apply.
 * @throws {DatabaseError} (`SCHEMA_TOO_NEW`) If a newer engine has migrated the schema.
 * @throws {DatabaseError} (`MIGRATION_CHANGED`) If an applied migration differs from this engine's.
 */
export async function migrate(
  driver: SqlDriver,
  schema: SchemaName,
  mode: MigrateMode = "apply",
  executes = true,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const sql = schema.prepare(STATEMENTS);
  await withRights(driver.transaction(async (session) => {
    if (mode !== "check") await sql.lock.query(session, { schema: schema.name });
    const applied = await appliedVersions(session, schema, sql);
    const newest = applied.at(-1)?.version ?? 0;
    if (newest > migrations.length) {
      throw schemaTooNew(schema.name, newest, migrations.length);
    }
    for (const { version, checksum } of applied) {
      const wanted = migrations[version - 1]?.checksum ?? "nothing";
      if (checksum !== wanted) {
        throw migrationChanged(schema.name, version, checksum, wanted);
      }
    }
    const isAllowed = mode === "apply" || mode === "create" && newest === 0;
    if (newest < migrations.length && !isAllowed) {
      throw schemaTooOld(schema.name, newest, migrations.length);
    }
    if (newest === 0) await createVersions(session, schema, sql);
    for (const { version, name, checksum, sql: script } of migrations.slice(newest)) {
      await session.script(schema.fill(script));
      await sql.note.query(session, { version, name, checksum });
    }
    await checkRights(session, schema, sql, executes);
  }));
}

async function checkRights(
  session: SqlSession,
  { name }: SchemaName,
  sql: Sql,
  executes: boolean,
): Promise<void> {
  const [lacking] = await sql.lacking.query(session, { schema: name, executes });
  if (lacking === undefined) return;
  const { table, right } = lacking;
  throw databaseUnsuitable(
    "the role's rights",
    `no right to ${right} on ${name}.${table}`,
    `the rights of a ${executes ? "node" : "client"} in schema ${name} (docs/roles.md)`,
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
    throw databaseUnsuitable(
      "the role's rights",
      (refusal as Error).message,
      "a role that may create and change the schema for this first use; later uses need fewer rights",
      refusal,
    );
  }
}

async function appliedVersions(session: SqlSession, { name }: SchemaName, sql: Sql) {
  const isThere = (await sql.findVersions.query(session, { schema: name })).length > 0;
  return isThere ? await sql.applied.query(session) : [];
}

/** Looked up first: "if not exists" requires the right to create even if nothing is created. */
async function createVersions(session: SqlSession, schema: SchemaName, sql: Sql): Promise<void> {
  const named = { schema: schema.name };
  if ((await sql.findVersions.query(session, named)).length > 0) return;
  if ((await sql.findSchema.query(session, named)).length === 0) {
    await session.script(schema.fill("create schema {schema}"));
  }
  await session.script(schema.fill(CREATE_VERSIONS));
}
