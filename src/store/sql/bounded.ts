/**
 * Questions that end by a time.
 *
 * @module
 */

import type { Patience } from "../../ports/store.ts";
import { queryTimeout } from "../errors.ts";
import type { SqlDriver, SqlSession } from "./driver.ts";
import { isCancelled } from "./sqlstate.ts";
import { TEXT } from "./parameters.ts";
import { NO_ROWS, statement } from "./statement.ts";

const LIMIT = statement(
  { ms: TEXT },
  NO_ROWS,
  "select set_config('statement_timeout', $ms::text, true)",
).prepare();

/**
 * Asks a question that the server gives up after a time. PGlite does not give up.
 *
 * @param driver The database.
 * @param patience How long each statement may take; no limit when omitted.
 * @param ask Asks it.
 * @returns Its result.
 * @throws {QueryTimeoutError} (`QUERY_TIMEOUT`) If a statement takes longer.
 */
export async function bounded<Answer>(
  driver: SqlDriver,
  patience: Patience | undefined,
  ask: (session: SqlSession) => Promise<Answer>,
): Promise<Answer> {
  if (patience === undefined) return await ask(driver);
  try {
    return await driver.transaction(async (session) => {
      await LIMIT.query(session, { ms: String(patience.ms) });
      return await ask(session);
    });
  } catch (error) {
    throw isCancelled(error) ? queryTimeout(patience) : error;
  }
}
