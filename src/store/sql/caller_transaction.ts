/**
 * A transaction that belongs to the caller, as a session of the store.
 *
 * - GUEST-1, in the transaction or not at all: after a lost connection, some clients run the rest
 *   on another connection, outside of any transaction. The store writes only if the session is
 *   still in the transaction in which it began.
 *
 * @module
 */

import { refuse } from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import type { SqlSession, SqlValue } from "./driver.ts";
import { foreignSettings, type Settings, SHOWN_SETTINGS } from "./own_settings.ts";
import { transactionOver } from "../errors.ts";

type Ask = (text: string, values: unknown[]) => PromiseLike<unknown>;

/** The methods by which the supported clients are recognized. */
interface Guest {
  readonly unsafe?: Ask;
  readonly query?: Ask;
  readonly savepoint?: unknown;
  readonly begin?: unknown;
  readonly transaction?: unknown;
  readonly rollback?: unknown;
  readonly totalCount?: unknown;
}

/**
 * Makes a session of a caller's transaction. Parameters are sent as text, so that the client
 * converts no arrays.
 *
 * @param transaction A client of pg after `begin`, a transaction of postgres.js or PGlite, or an
 * object whose `query(text, values)` returns rows or `{ rows }`.
 * @returns The session.
 * @throws {InvalidArgumentError} If it is none of these, or is a database instead of a transaction.
 */
export function callerSession(transaction: unknown): SqlSession {
  const guest = (transaction ?? {}) as Guest;
  const ask = typeof guest.unsafe === "function"
    ? guest.unsafe
    : typeof guest.query === "function"
    ? guest.query
    : undefined;
  const isDatabase = typeof guest.totalCount === "number" ||
    typeof guest.begin === "function" && guest.savepoint === undefined ||
    typeof guest.transaction === "function" && guest.rollback === undefined;
  if (ask === undefined || isDatabase) {
    refuse(
      "option transaction",
      isDatabase ? inWords("a database") : transaction,
      'an open transaction: a client of pg after "begin", the argument of a transaction callback ' +
        "of postgres.js or PGlite, or an object with query(text, values)",
    );
  }
  return {
    parametersAreText: true,
    async query<Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
      const result = await ask.call(guest, text, [...values]);
      const rows = Array.isArray(result) ? result : (result as { readonly rows: Row[] }).rows;
      return Array.from(rows as Row[]);
    },
    async script(text) {
      await ask.call(guest, text, []);
    },
  };
}

/**
 * Calls `work` such that its failure leaves the surrounding transaction usable.
 *
 * @param session A transaction.
 * @param work The function that may fail.
 * @returns Its result.
 * @throws {DatabaseError} (`TRANSACTION_OVER`) If there is no transaction.
 */
export async function savepoint<T>(session: SqlSession, work: () => Promise<T>): Promise<T> {
  try {
    await session.script("savepoint continuum_start");
  } catch (error) {
    if ((error as { code?: string }).code === "25P01") throw transactionOver(error);
    throw error;
  }
  try {
    const result = await work();
    await session.script("release savepoint continuum_start");
    return result;
  } catch (error) {
    await session.script("rollback to savepoint continuum_start");
    await session.script("release savepoint continuum_start"); // the rollback keeps it
    throw error;
  }
}

/** Types are qualified, as functions are: the caller's search path may know others of these names. */
const XID = `select pg_catalog.pg_current_xact_id()::pg_catalog.text as xid, ${SHOWN_SETTINGS}`;

const STILL = "select pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text as xid";

/** SQL that is true only in the transaction `$xid`. */
export const IN_TRANSACTION = "pg_catalog.pg_current_xact_id_if_assigned()::text = $xid";

/** What the store must know of a caller's transaction before it writes there. */
export interface CallerTransaction {
  /** Its id, for {@linkcode IN_TRANSACTION} (GUEST-1). */
  readonly xid: string;
  /** Settings under which the store's statements would mean something else (OWNSETTINGS-1). */
  readonly foreign: Settings | undefined;
}

/**
 * Looks at a caller's transaction. Outside of a transaction, the id belongs to one that has ended by
 * then.
 *
 * @param session The transaction.
 * @returns What is known of it.
 */
export async function callerTransaction(session: SqlSession): Promise<CallerTransaction> {
  const [row] = await session.query<{ xid: string } & Settings>(XID);
  return { xid: row!.xid, foreign: foreignSettings(row!) };
}

/**
 * Calls `write`, and verifies that it wrote in that transaction (GUEST-1).
 *
 * @param session The transaction.
 * @param xid The transaction's id.
 * @param write The function that writes.
 * @returns Its result.
 * @throws {DatabaseError} (`TRANSACTION_OVER`) If there is no transaction, or another one.
 */
export async function within<T>(
  session: SqlSession,
  xid: string,
  write: () => Promise<T>,
): Promise<T> {
  const result = await write();
  const [after] = await session.query<{ xid: string | null }>(STILL);
  if (after?.xid !== xid) throw transactionOver();
  return result;
}
