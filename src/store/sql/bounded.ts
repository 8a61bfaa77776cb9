/**
 * Questions that end by a time.
 *
 * - BOUNDED-1: the server gives a statement up that takes longer than its caller allows, and a caller
 *   waits no longer than that for a session. PGlite can't give a statement up: it has one session, in
 *   this process, and only the wait for that session ends.
 *
 * @module
 */

import { ignoreRejection } from "../../base/background.ts";
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
 * Asks a question that the server gives up after a time (BOUNDED-1).
 *
 * @param driver The database.
 * @param patience How long each statement may take, and a wait for a session; no limit when omitted.
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
  const ms = Math.min(patience.ms, driver.mostMs ?? Infinity);
  const tooLong = () => queryTimeout({ ...patience, ms });
  const { promise: late, reject } = Promise.withResolvers<never>();
  ignoreRejection(late);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reject(tooLong());
  }, ms);
  const answered = driver.isUnstoppable === true ? ask(driver) : driver.transaction(
    async (session) => {
      if (isLate) throw tooLong(); // no one waits for it any more
      clearTimeout(timer); // from here on, the server watches the time
      await LIMIT.query(session, { ms: String(ms) });
      return await ask(session);
    },
  );
  ignoreRejection(answered);
  try {
    return await Promise.race([answered, late]);
  } catch (error) {
    throw isCancelled(error) ? tooLong() : error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The same database for questions, each statement of which ends by a time (BOUNDED-1).
 *
 * @param driver The database.
 * @param patience How long each statement may take.
 * @returns The database; it has no notifications, and closing it closes nothing.
 */
export function limited(driver: SqlDriver, patience: Patience): SqlDriver {
  const query: SqlSession["query"] = (text, values) =>
    bounded(driver, patience, (session) => session.query(text, values));
  const { isUnstoppable = false } = driver;
  return {
    query,
    script: (text) => bounded(driver, patience, (session) => session.script(text)),
    transaction: (work) =>
      isUnstoppable ? driver.transaction(work) : bounded(driver, patience, work),
    get exclusive() {
      return driver.exclusive;
    },
    get impatient() {
      return this;
    },
    isUnstoppable,
    parametersAreText: driver.parametersAreText === true,
    mostMs: patience.ms,
    close: () => Promise.resolve(),
  };
}
