/**
 * What the store requires of a database: sessions for queries, transactions, and notifications if
 * the database has them. Each adapter implements this once.
 *
 * Rows come back as plain objects, with `bigint` columns as numbers and `bytea` as `Uint8Array`.
 * Statements convert times to milliseconds. Arrays are passed as Postgres
 * array literals (see `src/store/sql/fragments.ts`), and JSON as text with a cast.
 *
 * @module
 */

import type { Logger } from "../../base/plain_log.ts";

/** A parameter of a statement. */
export type SqlValue = string | number | boolean | null | Uint8Array;

/** A session that answers queries. */
export interface SqlSession {
  /**
   * Runs one statement; adapters prepare it if they can.
   *
   * @param text The statement, with positional parameters.
   * @param values Its parameters.
   * @returns Its rows.
   */
  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
  /**
   * Whether all parameters are sent to the database as text, instead of the client's format for the
   * type that they are cast to. Default: `false`.
   */
  readonly parametersAreText?: boolean;
  /** The driver's own transaction, if this session is one. */
  readonly client?: unknown;
  /** Settings under which the store's statements would mean something else (OWNSETTINGS-1). */
  readonly foreign?: Readonly<Record<string, string>> | undefined;
  /** Runs a script of several statements without parameters. */
  script(text: string): Promise<void>;
}

/** Options of a transaction. */
export interface TransactionOptions {
  /**
   * Whether it runs code of the application, which may take any time: such a transaction takes no
   * connection that the engine needs. Default: `false`.
   */
  readonly isUsers?: boolean;
}

/** A database, opened for one store. */
export interface SqlDriver extends SqlSession {
  /** True as long as no other driver, in this process or another, can have the database open. */
  readonly exclusive: boolean;
  /** Whether no statement can be given up once it runs. Default: `false`. */
  readonly isUnstoppable?: boolean;
  /** The most milliseconds that a statement may take; no limit when omitted. */
  readonly mostMs?: number;
  /** A session whose statements fail soon (SQLSTATE 55P03) if a row is locked. */
  readonly impatient: SqlSession;
  /**
   * Runs `work` in a transaction: committed when it returns, rolled back when it throws.
   *
   * @param work Must use the session that it receives, and no other.
   * @param options Options of the transaction.
   * @returns The result of `work`.
   */
  transaction<Result>(
    work: (session: SqlSession) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /**
   * Subscribes to notifications on a channel; absent if the database has none.
   *
   * @param channel A lower-case identifier.
   * @param onPayload Called for each notification.
   * @param onGap Called when some may have been missed: the connection was lost and is restored.
   * @returns The function that ends the subscription.
   */
  listen?(
    channel: string,
    onPayload: (payload: string) => void,
    onGap: () => void,
  ): Promise<() => Promise<void>>;
  /** Closes the database, after the statements that are under way. */
  close(): Promise<void>;
}

/** What opens a database, as the adapter sees it. */
export interface DriverHost {
  /** The engine's log. */
  readonly log: Logger;
}

/** A value for option `database`: an object that can open a database. */
export interface DatabaseAdapter {
  /** The database's name in messages, without secrets. */
  readonly description: string;
  /**
   * Opens it for one store.
   *
   * @param host Where it logs; LogTape when omitted.
   */
  open(host?: DriverHost): Promise<SqlDriver>;
}
