/**
 * What the store asks of a database: sessions that answer queries, transactions, and notifications
 * where the database has them. Each adapter implements this once.
 *
 * Rows come back as plain objects, with `bigint` columns as numbers and `bytea` as `Uint8Array`.
 * Times never cross this line: statements convert them to milliseconds. Arrays go in as Postgres
 * array literals (see `src/store/sql/fragments.ts`), JSON as text with a cast.
 *
 * @module
 */

/** A value that a statement takes. */
export type SqlValue = string | number | boolean | null | Uint8Array;

/** Something that answers queries. */
export interface SqlSession {
  /**
   * Runs one statement; adapters prepare it where they can.
   *
   * @param text The statement, with `$1` and so on.
   * @param values Its parameters.
   * @returns Its rows.
   */
  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
  /**
   * Whether all parameters go to the database as text, whatever the client would make of a value
   * for the type that it is cast to. Default: `false`.
   */
  readonly parametersAreText?: boolean;
  /** The driver's own transaction, where this session is one. */
  readonly client?: unknown;
  /** Runs a script of several statements without parameters. */
  script(text: string): Promise<void>;
}

/** Whose a transaction is. */
export interface TransactionOptions {
  /**
   * Whether code of the application runs in it, for as long as it likes: such a transaction takes
   * nothing that the engine needs. Default: `false`.
   */
  readonly isUsers?: boolean;
}

/** A database, opened for one store. */
export interface SqlDriver extends SqlSession {
  /** True while nobody else, in this process or another, can have the database open. */
  readonly exclusive: boolean;
  /** A session whose statements give up soon (SQLSTATE 55P03) where a row is locked. */
  readonly impatient: SqlSession;
  /**
   * Runs `work` in a transaction: committed when it returns, rolled back when it throws.
   *
   * @param work Must use the session that it is given, and no other.
   * @param options Whose transaction it is.
   * @returns What `work` returned.
   */
  transaction<Result>(
    work: (session: SqlSession) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /**
   * Hears notifications on a channel; absent where the database can't.
   *
   * @param channel A lower-case identifier.
   * @param onPayload Called for each notification.
   * @param onGap Called when some may have been missed: the connection was lost and is back.
   * @returns Ends it.
   */
  listen?(
    channel: string,
    onPayload: (payload: string) => void,
    onGap: () => void,
  ): Promise<() => Promise<void>>;
  /** Gives the database up; waits for statements that run. */
  close(): Promise<void>;
}

/** What users pass as `database`: something that can open a database. */
export interface DatabaseAdapter {
  /** For messages: which database, without secrets. */
  readonly description: string;
  /** Opens it for one store. */
  open(): Promise<SqlDriver>;
}
