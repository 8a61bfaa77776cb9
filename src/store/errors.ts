/**
 * Errors that only a store throws.
 *
 * @module
 */

import { ContinuumError } from "../base/errors.ts";

/**
 * The database's schema was made by a newer engine than this one.
 *
 * @category Errors
 */
export class SchemaTooNewError extends ContinuumError {
  /**
   * Says what was found and what was wanted.
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
 * A migration that was applied is not the one that this engine knows under its number.
 *
 * @category Errors
 */
export class MigrationChangedError extends ContinuumError {
  /**
   * Says what was found and what was wanted.
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
 * The `database` or `schema` option can't be understood.
 *
 * @category Errors
 */
export class DatabaseOptionError extends ContinuumError {
  /**
   * Says what was found and what was wanted.
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
   * Names the folder.
   *
   * @param folder The database's folder.
   */
  constructor(folder: string) {
    super(
      "DATABASE_IN_USE",
      `Cannot open database folder ${JSON.stringify(folder)}: it is open already, here or in ` +
        `another process, and only one may have it; use a postgres:// URL to share a database`,
      { details: { folder } },
    );
  }
}

/**
 * The database was asked past a transaction, from inside its callback. What is asked would not be
 * part of the transaction, and where it waits for what the transaction holds, both wait for ever.
 *
 * @category Errors
 */
export class NestedQueryError extends ContinuumError {
  /** Says what to use instead. */
  constructor() {
    super(
      "NESTED_QUERY",
      "Cannot query the database from inside a transaction callback: found a call that is no part " +
        "of the transaction and could wait for it, wanted a query on the transaction that the " +
        "callback was given, or the call before or after ctx.transaction",
    );
  }
}

/**
 * A text can't be stored as it is.
 *
 * @category Errors
 */
export class UnstorableTextError extends ContinuumError {
  /**
   * Says what was found and what was wanted.
   *
   * @param what Which text.
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

/** A run is to be put on a version that the registry does not hold. */
export class VersionNotRegisteredError extends ContinuumError {
  /**
   * Says what was found and what was wanted.
   *
   * @param hashes The versions asked for; at least one is unknown.
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
 * The database can't be reached, went away, or could not do now what it was asked. Calling again
 * later makes sense. `details.mayBeWritten` tells whether the call may have been carried out all
 * the same, its answer being lost.
 *
 * @category Errors
 */
export class DatabaseUnavailableError extends ContinuumError {
  /** Calling again later makes sense. */
  readonly retryable: true = true;

  /**
   * Says what was found and what was wanted.
   *
   * @param database Which database, without secrets.
   * @param cause What the driver said.
   * @param mayBeWritten Whether the statement may have been carried out.
   */
  constructor(database: string, cause: Error, mayBeWritten = true) {
    super(
      "DATABASE_UNAVAILABLE",
      `Cannot ${isAnswer(cause) ? "use" : "reach"} database ${database} now: ${saidBy(cause)}`,
      { cause, details: { database, mayBeWritten } },
    );
  }
}

/**
 * The `Continuum` was closed, so that it can do nothing more. Code `CLOSED`.
 *
 * @category Errors
 */
export class ClosedError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param action What was to be done.
   * @param cause What became of it, where the `Continuum` was closed meanwhile: it may have been
   * done.
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
 * The database, or the role that opens it, is none that the store can work with.
 *
 * @category Errors
 */
export class DatabaseUnsuitableError extends ContinuumError {
  /**
   * Says what was found and what was wanted.
   *
   * @param setting What is not as it has to be.
   * @param found What it is.
   * @param wanted What it has to be, or what to do.
   * @param cause What the database said.
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
 * The caller's transaction, in which runs were to be started, is over. Nothing was written.
 *
 * @category Errors
 */
export class TransactionOverError extends ContinuumError {
  /**
   * Says what was found and what was wanted.
   *
   * @param cause What the database said.
   */
  constructor(cause?: unknown) {
    super(
      "TRANSACTION_OVER",
      "Cannot write into the caller's transaction: found no transaction, as after its end or the " +
        "loss of its connection, wanted one that is open; nothing was written",
      cause === undefined ? {} : { cause },
    );
  }
}

/** A host with several addresses fails with one error for each. */
function saidBy(cause: Error): string {
  const [first] = cause instanceof AggregateError ? cause.errors as readonly Error[] : [];
  return cause.message || first?.message || cause.name;
}

/** Whether the database said so itself. */
function isAnswer(cause: Error): boolean {
  return "severity" in cause;
}
