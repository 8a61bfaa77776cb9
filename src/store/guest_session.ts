/**
 * A transaction that belongs to the caller: what he passes in, as a session of this store's.
 *
 * @module
 */

import { InvalidArgumentError } from "../base/errors.ts";
import type { SqlSession, SqlValue } from "./driver.ts";

type Ask = (text: string, values: unknown[]) => PromiseLike<unknown>;

/** What the clients that are known look like. */
interface Guest {
  readonly unsafe?: Ask;
  readonly query?: Ask;
  readonly savepoint?: unknown;
  readonly begin?: unknown;
  readonly transaction?: unknown;
  readonly rollback?: unknown;
}

/**
 * Makes a session of a caller's transaction. Parameters go in as text, whatever the client would
 * make of arrays.
 *
 * @param transaction A transaction of postgres.js or PGlite, or anything with a `query(text, values)`
 * that answers with rows, or with an object that has them as `rows`.
 * @returns The session.
 * @throws {InvalidArgumentError} If it is none of these, or a database in place of a transaction.
 */
export function guestSession(transaction: unknown): SqlSession {
  const guest = (transaction ?? {}) as Guest;
  const ask = typeof guest.unsafe === "function"
    ? guest.unsafe
    : typeof guest.query === "function"
    ? guest.query
    : undefined;
  const isDatabase = typeof guest.begin === "function" && guest.savepoint === undefined ||
    typeof guest.transaction === "function" && guest.rollback === undefined;
  if (ask === undefined || isDatabase) {
    throw new InvalidArgumentError(
      `Cannot use option transaction: found ${
        isDatabase ? "a database" : typeof transaction
      }, wanted what its callback is given: the transaction of postgres.js or PGlite, or an object ` +
        "with query(text, values)",
      { option: "transaction" },
    );
  }
  return {
    async query<Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
      const asText = text.replace(/\$(\d+)::/g, "$$$1::text::");
      const result = await ask.call(guest, asText, [...values]);
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
