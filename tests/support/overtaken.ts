/**
 * Statements that wait for another session's transaction.
 *
 * @module
 */

import type { SqlSession } from "../../src/store/sql/driver.ts";
import type { EmptyDatabase } from "./database.ts";
import { waiting } from "./store_rows.ts";

/** Executes `first` in a transaction that commits once the statement of `second` waits for it. */
export async function overtaken<Result>(
  db: EmptyDatabase,
  first: (session: SqlSession) => Promise<unknown>,
  second: () => Promise<Result>,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Result> {
  const driver = await db.database.open();
  try {
    const { asked } = await driver.transaction(async (session) => {
      await first(session);
      const asked = second();
      while (await waiting(db) === 0);
      await meanwhile();
      return { asked };
    });
    return await asked;
  } finally {
    await driver.close();
  }
}
