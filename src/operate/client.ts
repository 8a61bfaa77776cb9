/**
 * The client that operators' tools use: it never changes a schema, and runs no workflow code in its
 * own process, unless the operator says which.
 *
 * @module
 */

import "../replay/installed.ts"; // GUARD-1, before anything else
import { refuse } from "../base/arguments.ts";
import type { OperatorIdentity } from "../client/operated.ts";
import { Continuum } from "../continuum.ts";
import { standInWorkingFolder } from "../version/project/application.ts";
import { codecOption } from "./codec.ts";
import { trustPattern } from "./modules.ts";
import { keysOption } from "./trusted_keys.ts";

export { Continuum, inside, limitedTo, logsOf } from "../continuum.ts";
export type { OperatorIdentity };

/** Which database an operator's tool works on. */
export interface OperatorOptions {
  /** `postgres://...`, or `pglite:./folder`. */
  readonly database: string;
  /** The schema. */
  readonly schema?: string | undefined;
  /** The namespace. */
  readonly namespace?: string | undefined;
  /** The module of the payload codec: a URL, or a path from the working folder. */
  readonly codec?: string | undefined;
  /** The file of the public keys by one of which versions must be signed; none must when omitted. */
  readonly keys?: string | undefined;
}

/**
 * Connects to a database whose schema is exactly at this release's version. The working folder
 * stands for the application, so that recorded paths are found in it.
 *
 * @param options The database.
 * @param trust Patterns of modules whose code may run in this process; none when omitted.
 * @param operator Who acts, and why; when omitted, nothing is recorded.
 * @returns The client; `await using` closes it.
 * @throws {InvalidArgumentError} If the module of the codec can't be imported, or exports none.
 * @throws {InvalidArgumentError} (`DATABASE_OPTION`) If the folder of a `pglite:` database does not
 * exist.
 * @throws {DatabaseError} (`SCHEMA_TOO_OLD`) If migrations are missing, also if there are no tables.
 * @throws {DatabaseError} (`SCHEMA_TOO_NEW`) If a newer release has migrated the schema.
 * @throws {DatabaseUnavailableError} If the database can't answer now.
 */
export async function connectOperator(
  options: OperatorOptions,
  trust: readonly string[] = [],
  operator?: OperatorIdentity,
): Promise<Continuum> {
  if (!await hasFolder(options.database)) {
    refuse("option database", options.database, "the folder of a database", "DATABASE_OPTION");
  }
  standInWorkingFolder();
  const modules = trust.length === 0 ? {} : { modules: trust.map(trustPattern) };
  const { codec: module, keys, ...database } = options;
  const client = await Continuum.connect({
    ...given(database),
    trust: { ...modules, ...await keysOption(keys) },
    ...await codecOption(module),
    migrate: "check",
  });
  return operator === undefined ? client : client.asOperator(operator);
}

/**
 * Whether the folder of a `pglite:` database exists. PGlite would create it, and a misspelt one would
 * look like an empty database.
 *
 * @param database The database's URL.
 * @returns `true` for every other kind of database too.
 */
export async function hasFolder(database: string): Promise<boolean> {
  const [, folder] = /^pglite:(.+)$/s.exec(database) ?? [];
  if (folder === undefined) return true;
  return (await Deno.stat(folder).catch(() => null))?.isDirectory === true;
}

/** Without the options that are `undefined`. */
export function given<Options extends object>(
  options: Options,
): { [Key in keyof Options]: Exclude<Options[Key], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as never;
}
