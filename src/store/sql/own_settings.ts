/**
 * The store's statements in a session that is another's: a transaction of a workflow, or of a caller.
 *
 * - OWNSETTINGS-1: if a setting of the session would change what the store's statements mean, they run
 *   under a setting of their own, and the session's is put back after them. A session that has no such
 *   setting executes no further statement.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import type { SqlSession } from "./driver.ts";
import { TEXT } from "./parameters.ts";
import { NO_ROWS, statement } from "./statement.ts";

/** Settings by name. */
export type Settings = Readonly<Record<string, string>>;

/** What the store's statements need: names that are built in, and nulls in lists. */
const OWN: Settings = { search_path: "pg_catalog", array_nulls: "on" };

/** SQL that reads them, in any session. */
export const SHOWN_SETTINGS = Object.keys(OWN)
  .map((name) => `pg_catalog.current_setting('${name}') as ${name}`).join(", ");

const SET = statement(
  { name: TEXT, value: TEXT },
  NO_ROWS,
  "select pg_catalog.set_config($name, $value, true)",
).prepare();

/**
 * Finds the settings under which the store's statements would mean something else.
 *
 * @param found The settings of a session.
 * @returns Those among them; `undefined`: none.
 */
export function foreignSettings(found: Settings): Settings | undefined {
  const { search_path: path, array_nulls: nulls } = found;
  const foreign = {
    ...path !== undefined && hidesBuiltIns(path) ? { search_path: path } : {},
    ...nulls === "off" ? { array_nulls: nulls } : {},
  };
  return Object.keys(foreign).length === 0 ? undefined : foreign;
}

/**
 * Executes statements of the store in a transaction (OWNSETTINGS-1).
 *
 * @param session The transaction.
 * @param foreign What {@linkcode foreignSettings} has found in it.
 * @param work Executes the statements.
 * @returns The result of `work`.
 */
export async function withOwnSettings<T>(
  session: SqlSession,
  foreign: Settings | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (foreign === undefined) return await work();
  const set = async (settings: Settings) => {
    for (const [name, value] of Object.entries(settings)) {
      await session.query(SET.text, SET.bind({ name, value }));
    }
  };
  await set(Object.fromEntries(Object.keys(foreign).map((name) => [name, OWN[name]!])));
  try {
    return await work();
  } finally {
    await inBackground(set(foreign)); // a transaction that has failed will be rolled back
  }
}

/** A search path that names `pg_catalog` has it in that place, any other has it in front. */
function hidesBuiltIns(path: string): boolean {
  return path.split(",").map((name) => name.trim()).indexOf("pg_catalog") > 0;
}
