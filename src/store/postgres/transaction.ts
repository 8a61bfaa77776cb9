/**
 * A transaction on a connection that is used for nothing else meanwhile.
 *
 * - COMMIT-1: a transaction whose connection is lost ends at once, even if its code still runs.
 *   Later queries of that code are refused.
 * - COMMIT-2: if the server answers a commit with a rollback, that is an error.
 * - COMMIT-3: behind a pooler, no statement in it is prepared, whatever the options say. If the
 *   session knew the statement with another text, the transaction would fail, and could not repeat
 *   it.
 *
 * @module
 */

import type { SqlSession, SqlValue } from "../sql/driver.ts";
import { type Connection, Fault } from "./connection.ts";
import type { Statements } from "./statements.ts";

/** Options of a transaction. */
export interface HeldOptions {
  /** Prepares statements; if omitted, none is prepared. */
  readonly statements: Statements | undefined;
  /** Translates errors of statements into those that callers get. */
  readonly translate: (error: unknown) => unknown;
}

/**
 * Runs `work` in a transaction.
 *
 * @param connection The connection to use.
 * @param work The function that makes queries in it.
 * @param options Options.
 * @returns The result of `work`.
 */
export async function runHeld<Answer>(
  connection: Connection,
  work: (session: SqlSession) => Promise<Answer>,
  { statements, translate }: HeldOptions,
): Promise<Answer> {
  let isOpen = true;
  const translated = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      if (!isOpen) throw new Fault(new Error("the transaction has ended"), false);
      return await ask();
    } catch (error) {
      throw translate(error);
    }
  };
  const ask = async <Row>(text: string, values: readonly SqlValue[]): Promise<Row[]> => {
    const name = connection.isPooled ? undefined : statements?.nameOf(connection, text); // COMMIT-3
    try {
      const result = await connection.ask({ text, values, ...(name && { name }) });
      return (Array.isArray(result) ? result.at(-1) : result).rows;
    } catch (error) {
      if (name !== undefined) statements!.forgets(connection, name, error);
      throw error;
    }
  };
  const session: SqlSession = {
    query: (text, values = []) => translated(() => ask(text, values)),
    script: (text) => translated(async () => void await connection.script(text)),
    client: connection.clientOf(translated),
    foreign: connection.foreign,
  };
  try {
    await translated(() => connection.script(connection.prologue));
    const answer = await Promise.race([work(session), connection.lost]) // COMMIT-1
      .catch((error) => Promise.reject(connection.isLost ? translate(asFault(error)) : error));
    const { command } = await translated(() => connection.script("commit"));
    if (command !== "COMMIT") throw rolledBack(); // COMMIT-2
    return answer;
  } catch (error) {
    isOpen = false;
    await connection.script("rollback").catch(() => {});
    if (!connection.isFree) connection.destroy("a transaction did not end");
    throw error;
  } finally {
    isOpen = false;
  }
}

function asFault(error: unknown): unknown {
  return error instanceof Error && "code" in error && "details" in error
    ? error
    : new Fault(error as Error, true);
}

function rolledBack(): Error {
  return Object.assign(
    new Error(
      "Cannot commit: a statement of the transaction failed, so the database rolled it back",
    ),
    { code: "25P02" },
  );
}
