/**
 * Brings a schema to this release's version, and says how far it is from it.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import { MIGRATIONS } from "../store/schema/migrations.gen.ts";
import { connectOperator, Continuum, given, hasFolder, type OperatorOptions } from "./client.ts";

/** How far a schema is from this release's version. */
export interface SchemaState {
  /** The schema. */
  readonly schema: string;
  /** The version found; 0: it has no tables of the engine. */
  readonly found: number;
  /** The version of this release. */
  readonly wanted: number;
  /** Names of the migrations between them, such as `10_origins`. */
  readonly pending: readonly string[];
}

/**
 * Compares a schema with this release, and changes nothing.
 *
 * @param options The database.
 * @returns The versions found and wanted.
 * @throws {DatabaseError} (`SCHEMA_TOO_NEW`) If a newer release has migrated the schema.
 * @throws {DatabaseUnavailableError} If the database can't answer now.
 */
export async function schemaState(options: OperatorOptions): Promise<SchemaState> {
  const wanted = MIGRATIONS.length;
  const found = await versionOf(options, wanted);
  const pending = MIGRATIONS.slice(found).map(({ version, name }) => `${version}_${name}`);
  return { schema: options.schema ?? "continuum", found, wanted, pending };
}

/**
 * Applies the migrations that a schema lacks. Nodes of older releases work on until they are
 * restarted, and can't open after that.
 *
 * @param options The database; the folder of a `pglite:` database is created.
 * @throws {DatabaseError} (`SCHEMA_TOO_NEW`) If a newer release has migrated the schema.
 * @throws {DatabaseUnavailableError} If the database can't answer now.
 */
export async function migrateSchema(options: OperatorOptions): Promise<void> {
  // There is no value to be read, and no version to be executed.
  const { codec: _codec, keys: _keys, ...database } = options;
  const client = await Continuum.connect({ ...given(database), migrate: "apply" });
  await client.close();
}

async function versionOf(options: OperatorOptions, wanted: number): Promise<number> {
  if (!await hasFolder(options.database)) return 0;
  try {
    const client = await connectOperator(options);
    await client.close();
    return wanted;
  } catch (error) {
    if (isContinuumError(error, "SCHEMA_TOO_OLD")) return error.details.found;
    throw error;
  }
}
