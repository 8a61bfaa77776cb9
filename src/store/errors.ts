/**
 * Errors that only a store throws.
 *
 * @module
 */

import { quote, quoteId, shownId } from "../base/describe.ts";
import type { Patience } from "../ports/store.ts";
import { ContinuumError, InvalidArgumentError } from "../base/errors.ts";

/**
 * The codes of {@linkcode DatabaseError}.
 *
 * @category Errors
 */
export type DatabaseErrorCode =
  | "DATABASE_IN_USE"
  | "DATABASE_UNSUITABLE"
  | "SCHEMA_TOO_NEW"
  | "SCHEMA_TOO_OLD"
  | "MIGRATION_CHANGED"
  | "NESTED_QUERY"
  | "TRANSACTION_OVER"
  | "VERSION_NOT_REGISTERED";

/**
 * The database is not as the engine needs it, or is used as it does not allow; calling again does
 * not help.
 *
 * @category Errors
 */
export class DatabaseError<Code extends DatabaseErrorCode = DatabaseErrorCode>
  extends ContinuumError<Code> {}

/**
 * A question took longer than its caller allows. Code `QUERY_TIMEOUT`.
 *
 * @category Errors
 */
export class QueryTimeoutError extends ContinuumError<"QUERY_TIMEOUT"> {}

/**
 * A question took longer than its caller allows.
 *
 * @param patience What it was, and how long it was allowed to take.
 * @returns The error, with code `QUERY_TIMEOUT`.
 */
export function queryTimeout({ ms, action, narrow }: Patience): QueryTimeoutError {
  return new QueryTimeoutError(
    "QUERY_TIMEOUT",
    `Cannot ${action} within ${ms} ms: too many rows must be looked at, wanted a narrower question, ` +
      `such as ${narrow}`,
    { details: { ms } },
  );
}

/**
 * A newer engine has migrated the database's schema.
 *
 * @param schema The schema's name.
 * @param found The version found in the database.
 * @param wanted The newest version that this engine knows.
 * @returns The error, with code `SCHEMA_TOO_NEW`.
 */
export function schemaTooNew(schema: string, found: number, wanted: number): DatabaseError {
  return new DatabaseError(
    "SCHEMA_TOO_NEW",
    `Cannot use schema ${quoteId(schema)}: a newer engine has migrated it, found version ` +
      `${found}, wanted ${wanted} or older; upgrade this engine`,
    { details: { schema: shownId(schema), found, wanted } },
  );
}

/**
 * The schema lacks migrations that this process may not apply.
 *
 * @param schema The schema's name.
 * @param found The version found in the database; 0: the schema does not exist, or is empty.
 * @param wanted The version that this engine needs.
 * @returns The error, with code `SCHEMA_TOO_OLD`.
 */
export function schemaTooOld(schema: string, found: number, wanted: number): DatabaseError {
  const state = found === 0 ? "no tables of the engine" : `version ${found}`;
  return new DatabaseError(
    "SCHEMA_TOO_OLD",
    `Cannot use schema ${quote(schema, 80)}: found ${state}, wanted version ${wanted}; a client ` +
      'migrates only with connect({ migrate: "apply" }), and a node when it opens: older nodes ' +
      "can't open after that",
    { details: { schema, found, wanted } },
  );
}

/**
 * The migration that the database has applied under a number differs from this engine's.
 *
 * @param schema The schema's name.
 * @param version The migration's number.
 * @param found The checksum in the database.
 * @param wanted The checksum of this engine's migration.
 * @returns The error, with code `MIGRATION_CHANGED`.
 */
export function migrationChanged(
  schema: string,
  version: number,
  found: string,
  wanted: string,
): DatabaseError {
  return new DatabaseError(
    "MIGRATION_CHANGED",
    `Cannot use schema ${quoteId(schema)}: migration ${version} was applied with other ` +
      `contents, found checksum ${found}, wanted ${wanted}`,
    { details: { schema: shownId(schema), version, found, wanted } },
  );
}

/**
 * Another open engine, here or in another process, holds the folder of a PGlite database.
 *
 * @param folder The database's folder.
 * @returns The error, with code `DATABASE_IN_USE`.
 */
export function databaseInUse(folder: string): DatabaseError {
  return new DatabaseError(
    "DATABASE_IN_USE",
    `Cannot open database folder ${quoteId(folder)}: it is open already, here or in ` +
      `another process, and only one can use it; use a postgres:// URL to share a database`,
    { details: { folder: shownId(folder) } },
  );
}

/**
 * A transaction's callback called the database outside of its transaction. Such a call would not be
 * part of the transaction. If it needed a lock that the transaction holds, both would wait for ever.
 *
 * @returns The error, with code `NESTED_QUERY`.
 */
export function nestedQuery(): DatabaseError {
  return new DatabaseError(
    "NESTED_QUERY",
    "Cannot query the database from inside a transaction callback: found a call that is not part " +
      "of the transaction and could wait for it, wanted a query on the transaction that the " +
      "callback receives, or the call before or after ctx.transaction",
    { details: {} },
  );
}

/**
 * A text can't be stored as it is.
 *
 * @param what Which text.
 * @param text The text.
 * @returns The error, with code `UNSTORABLE_TEXT`.
 */
export function unstorableText(what: string, text: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Cannot store ${what}: Postgres keeps neither NUL characters nor lone surrogates in text, ` +
      `found ${quote(text)}`,
    { what },
    "UNSTORABLE_TEXT",
  );
}

/**
 * A run or a schedule refers to a version that is not registered, or whose bytes were removed.
 *
 * @param hashes The versions that were requested; for at least one of them that holds.
 * @param cause The database's error.
 * @returns The error, with code `VERSION_NOT_REGISTERED`.
 */
export function versionNotRegistered(hashes: readonly string[], cause: unknown): DatabaseError {
  return new DatabaseError(
    "VERSION_NOT_REGISTERED",
    `Cannot use a version: it is not registered, or its bytes were removed, found ${
      hashes.join(", ")
    }`,
    { cause, details: { hashes } },
  );
}

/**
 * The database is unreachable, closed the connection, or could not carry out the call now. The same
 * call may succeed later. `details.mayBeWritten` says whether the database may have carried it out
 * although its result was lost.
 *
 * @category Errors
 */
export class DatabaseUnavailableError extends ContinuumError<"DATABASE_UNAVAILABLE"> {
  /** The same call may succeed later. */
  readonly retryable: true = true;

  /**
   * Creates the error.
   *
   * @param database The database's name, without secrets.
   * @param cause The driver's error.
   * @param mayBeWritten Whether the database may have carried out the statement.
   */
  constructor(database: string, cause: Error, mayBeWritten = true) {
    super(
      "DATABASE_UNAVAILABLE",
      `Cannot ${isFromServer(cause) ? "use" : "reach"} database ${database} now: ${
        messageOf(cause)
      }`,
      { cause, details: { database, mayBeWritten } },
    );
  }
}

/**
 * The `Continuum` is closed. Code `CLOSED`.
 *
 * @category Errors
 */
export class ClosedError extends ContinuumError<"CLOSED"> {
  /**
   * Creates the error.
   *
   * @param action What the caller wanted to do.
   * @param cause The failure of the call, if the `Continuum` was closed while it was under way: it
   * may have been carried out.
   */
  constructor(action: string, cause?: unknown) {
    super(
      "CLOSED",
      `Cannot ${action}: this Continuum is closed`,
      { details: {}, ...(cause === undefined ? {} : { cause }) },
    );
  }
}

/**
 * The store can't work with this database, or with the role that opens it.
 *
 * @param setting The setting that is wrong.
 * @param found Its value.
 * @param wanted The value that it must have, or what to do.
 * @param cause The database's error.
 * @returns The error, with code `DATABASE_UNSUITABLE`.
 */
export function databaseUnsuitable(
  setting: string,
  found: string,
  wanted: string,
  cause?: unknown,
): DatabaseError {
  return new DatabaseError(
    "DATABASE_UNSUITABLE",
    `Cannot use this database: ${setting} is not as needed, found ${found}, wanted ${wanted}`,
    { details: { setting, found, wanted }, ...(cause === undefined ? {} : { cause }) },
  );
}

/**
 * The role may not do what was asked.
 *
 * @param error The database's error, or that of the store which it caused.
 * @returns The error, with code `DATABASE_UNSUITABLE`.
 */
export function roleForbidden(error: Error): DatabaseError {
  const { message } = error.cause instanceof Error ? error.cause : error;
  const wanted = "a role that may do this (docs/roles.md)";
  return databaseUnsuitable("the role's rights", message, wanted, error);
}

/**
 * The caller's transaction, in which runs were to be started, has ended. Nothing was written.
 *
 * @param cause The database's error.
 * @returns The error, with code `TRANSACTION_OVER`.
 */
export function transactionOver(cause?: unknown): DatabaseError {
  return new DatabaseError(
    "TRANSACTION_OVER",
    "Cannot write into the caller's transaction: found no transaction, as after its end or the " +
      "loss of its connection, wanted an open one; nothing was written",
    { details: {}, ...(cause === undefined ? {} : { cause }) },
  );
}

/** The message of a driver's error. A host with several addresses fails with one error for each. */
function messageOf(cause: Error): string {
  const [first] = cause instanceof AggregateError ? cause.errors as readonly Error[] : [];
  return cause.message || first?.message || cause.name;
}

/** Whether the error comes from the database server itself. */
function isFromServer(cause: Error): boolean {
  return "severity" in cause;
}
