/**
 * Errors that only a store throws.
 *
 * @module
 */

import { ContinuumError } from "../base/errors.ts";

/**
 * A newer engine has migrated the database's schema.
 *
 * @category Errors
 */
export class SchemaTooNewError extends ContinuumError {
  /**
   * Creates the error.
   *
   * @param schema The schema's name.
   * @param found The version found in the database.
   * @param wanted The newest version that this engine knows.
   */
  constructor(schema: string, found: number, wanted: number) {
    super(
      "SCHEMA_TOO_NEW",
      `Cannot use schema ${
        JSON.stringify(schema)
      }: a newer engine has migrated it, found version ` +
        `${found}, wanted ${wanted} or older; upgrade this engine`,
      { details: { schema, found, wanted } },
    );
  }
}

/**
 * The migration that the database has applied under a number differs from this engine's.
 *
 * @category Errors
 */
export class MigrationChangedError extends ContinuumError {
  /**
   * Creates the error.
   *
   * @param schema The schema's name.
   * @param version The migration's number.
   * @param found The checksum in the database.
   * @param wanted The checksum of this engine's migration.
   */
  constructor(schema: string, version: number, found: string, wanted: string) {
    super(
      "MIGRATION_CHANGED",
      `Cannot use schema ${JSON.stringify(schema)}: migration ${version} was applied with other ` +
        `contents, found checksum ${found}, wanted ${wanted}`,
      { details: { schema, version, found, wanted } },
    );
  }
}

/**
 * The `database` or `schema` option is invalid.
 *
 * @category Errors
 */
export class DatabaseOptionError extends ContinuumError {
  /**
   * Creates the error.
   *
   * @param message What is wrong with it.
   * @param details The value found; never with a password.
   */
  constructor(message: string, details: Record<string, unknown>) {
    super("DATABASE_OPTION", message, { details });
  }
}

/**
 * Another open engine, here or in another process, holds the folder of a PGlite database.
 *
 * @category Errors
 */
export class DatabaseInUseError extends ContinuumError {
  /**
   * Creates the error.
   *
   * @param folder The database's folder.
   */
  constructor(folder: string) {
    super(
      "DATABASE_IN_USE",
      `Cannot open database folder ${JSON.stringify(folder)}: it is open already, here or in ` +
        `another process, and only one can use it; use a postgres:// URL to share a database`,
      { details: { folder } },
    );
  }
}

/**
 * A transaction's callback called the database outside of its transaction. Such a call would not be
 * part of the transaction. If it needed a lock that the transaction holds, both would wait for
 * ever.
 *
 * @category Errors
 */
export class NestedQueryError extends ContinuumError {
  /** Creates the error. */
  constructor() {
    super(
      "NESTED_QUERY",
      "Cannot query the database from inside a transaction callback: found a call that is not part " +
        "of the transaction and could wait for it, wanted a query on the transaction that the " +
        "callback receives, or the call before or after ctx.transaction",
    );
  }
}

/**
 * Postgres can't store a text unchanged.
 *
 * @category Errors
 */
export class UnstorableTextError extends ContinuumError {
  /**
   * Creates the error.
   *
   * @param what Which text it is.
   * @param text The text.
   */
  constructor(what: string, text: string) {
    super(
      "UNSTORABLE_TEXT",
      `Cannot store ${what}: Postgres keeps neither NUL characters nor lone surrogates in text, ` +
        `found ${JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)}`,
      { details: { what } },
    );
  }
}

/** A run refers to a version that is not registered. */
export class VersionNotRegisteredError extends ContinuumError {
  /**
   * Creates the error.
   *
   * @param hashes The versions that were requested; at least one is not registered.
   * @param cause The database's error.
   */
  constructor(hashes: readonly string[], cause: unknown) {
    super(
      "VERSION_NOT_REGISTERED",
      `Cannot store a run: its version is not registered, found ${hashes.join(", ")}`,
      { cause, details: { hashes } },
    );
  }
}

/**
 * The database is unreachable, closed the connection, or could not carry out the call now. The same
 * call may succeed later. `details.mayBeWritten` says whether the database may have carried it out
 * although its result was lost.
 *
 * @category Errors
 */
export class DatabaseUnavailableError extends ContinuumError {
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
export class ClosedError extends ContinuumError {
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
      cause === undefined ? {} : { cause },
    );
  }
}

/**
 * The store can't work with this database, or with the role that opens it.
 *
 * @category Errors
 */
export class DatabaseUnsuitableError extends ContinuumError {
  /**
   * Creates the error.
   *
   * @param setting The setting that is wrong.
   * @param found Its value.
   * @param wanted The value that it must have, or what to do.
   * @param cause The database's error.
   */
  constructor(setting: string, found: string, wanted: string, cause?: unknown) {
    super(
      "DATABASE_UNSUITABLE",
      `Cannot use this database: ${setting} is not as needed, found ${found}, wanted ${wanted}`,
      { details: { setting, found, wanted }, ...(cause === undefined ? {} : { cause }) },
    );
  }
}

/**
 * The caller's transaction, in which runs were to be started, has ended. Nothing was written.
 *
 * @category Errors
 */
export class TransactionOverError extends ContinuumError {
  /**
   * Creates the error.
   *
   * @param cause The database's error.
   */
  constructor(cause?: unknown) {
    super(
      "TRANSACTION_OVER",
      "Cannot write into the caller's transaction: found no transaction, as after its end or the " +
        "loss of its connection, wanted an open one; nothing was written",
      cause === undefined ? {} : { cause },
    );
  }
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
