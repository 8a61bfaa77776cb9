/**
 * A transaction on a connection that nobody else uses meanwhile.
 *
 * - COMMIT-1: a transaction whose connection is lost is over at once, whatever its code still does; what
 *   that asks later is refused.
 * - COMMIT-2: a commit that the server answers with a rollback is an error.
 * - COMMIT-3: behind a pooler nothing is prepared in it, whatever the options say: a session that knows the
 *   statement otherwise would end the transaction, and nothing in it can be asked again.
 *
 * @module
 */

import type { SqlSession, SqlValue } from "../sql/driver.ts";
import { type Connection, Fault, type Query } from "./connection.ts";
import type { Statements } from "./statements.ts";

/** What a transaction needs. */
export interface HeldOptions {
  /** Prepares statements; without, none is. */
  readonly statements: Statements | undefined;
  /** Makes errors of statements those that callers get. */
  readonly translate: (error: unknown) => unknown;
}

/**
 * Runs `work` in a transaction.
 *
 * @param connection Where.
 * @param work What to do in it.
 * @param options What it needs.
 * @returns What `work` returned.
 */
export async function runHeld<Answer>(
  connection: Connection,
  work: (session: SqlSession) => Promise<Answer>,
  { statements, translate }: HeldOptions,
): Promise<Answer> {
  let isOpen = true;
  const told = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      if (!isOpen) throw new Fault(new Error("the transaction is over"), false);
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
    query: (text, values = []) => told(() => ask(text, values)),
    script: (text) => told(async () => void await connection.script(text)),
    client: {
      query: (query: string | Query, values?: readonly unknown[]) => {
        const asked = typeof query === "string" ? { text: query } : query;
        return told(() => connection.ask(values === undefined ? asked : { ...asked, values }));
      },
    },
  };
  try {
    await told(() => connection.script(connection.prologue));
    const answer = await Promise.race([work(session), connection.lost]) // COMMIT-1
      .catch((error) => Promise.reject(connection.isLost ? translate(asFault(error)) : error));
    const { command } = await told(() => connection.script("commit"));
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
    new Error("Cannot commit: a statement of the transaction had failed, all of it is undone"),
    { code: "25P02" },
  );
}
