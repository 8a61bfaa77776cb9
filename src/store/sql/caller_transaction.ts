/**
 * A transaction that belongs to the caller: what he passes in, as a session of this store's.
 *
 * - GUEST-1, in it or not at all: some clients run what follows a lost connection on another one,
 *   outside of any transaction. What is written is written only where the transaction is still the
 *   one that it was at the beginning.
 *
 * @module
 */

import { InvalidArgumentError } from "../../base/errors.ts";
import type { SqlSession, SqlValue } from "./driver.ts";
import { TransactionOverError } from "../errors.ts";

type Ask = (text: string, values: unknown[]) => PromiseLike<unknown>;

/** What the clients that are known look like. */
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
 * Makes a session of a caller's transaction. Parameters go in as text, whatever the client would
 * make of arrays.
 *
 * @param transaction A client of pg after `begin`, a transaction of postgres.js or PGlite,
 * or anything with a `query(text, values)` that answers with rows, or with an object that has them
 * as `rows`.
 * @returns The session.
 * @throws {InvalidArgumentError} If it is none of these, or a database in place of a transaction.
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
    const found = isDatabase ? "a database" : transaction === null ? "null" : typeof transaction;
    throw new InvalidArgumentError(
      `Cannot use option transaction: found ${found}, wanted one that is open: a client of pg after "begin", what the callback of postgres.js or ` +
        "PGlite is given, or an object with query(text, values)",
      { option: "transaction" },
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
 * Carries out `work` so that its failure leaves the transaction around it usable.
 *
 * @param session A transaction.
 * @param work What may fail.
 * @returns What it returned.
 */
export async function savepoint<T>(session: SqlSession, work: () => Promise<T>): Promise<T> {
  await session.script("savepoint continuum_start");
  try {
    const result = await work();
    await session.script("release savepoint continuum_start");
    return result;
  } catch (error) {
    await session.script("rollback to savepoint continuum_start");
    throw error;
  }
}

const XID = "select pg_catalog.pg_current_xact_id()::text as xid";

const STILL = "select pg_catalog.pg_current_xact_id_if_assigned()::text as xid";

/** Is true in the transaction `$xid` alone. */
export const IN_TRANSACTION = "pg_catalog.pg_current_xact_id_if_assigned()::text = $xid";

/**
 * The number of a caller's transaction, for {@linkcode IN_TRANSACTION} (GUEST-1). Outside of one it is
 * that of a transaction that is over by then.
 *
 * @param session The transaction.
 */
export async function transactionId(session: SqlSession): Promise<string> {
  const [row] = await session.query<{ xid: string }>(XID);
  return row!.xid;
}

/**
 * Tells whether what was written since was written in that transaction, or not at all (GUEST-1).
 *
 * @param session The transaction.
 * @param xid Its number.
 * @param write Writes.
 * @returns What it returned.
 * @throws {TransactionOverError} If there is no transaction, or no longer the same.
 */
export async function within<T>(
  session: SqlSession,
  xid: string,
  write: () => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await write();
  } catch (error) {
    // No savepoint outside of a transaction.
    if ((error as { code?: string }).code === "25P01") throw new TransactionOverError(error);
    throw error;
  }
  const [after] = await session.query<{ xid: string | null }>(STILL);
  if (after?.xid !== xid) throw new TransactionOverError();
  return result;
}
