/**
 * Handles a missing `database` option, which often means that an environment variable is not set.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { isLogTapeConfigured, type Logs, LOGTAPE } from "../base/log.ts";

let isSaid = false;

/**
 * Refuses a client without a database: it would accept runs that no node executes.
 *
 * @param database The option.
 * @throws {InvalidArgumentError} If it is omitted or undefined.
 */
export function demandDatabase(database: unknown): void {
  if (database !== undefined) return;
  refuse(
    "option database of Continuum.connect",
    database,
    'the database that the nodes use, such as "postgres://..."; if it comes from a variable of the ' +
      "environment, such as DATABASE_URL, set that",
  );
}

/**
 * Warns once in a process that a node uses the local default database: in the log, or on standard
 * error if the application has configured no log.
 *
 * @param database The option.
 * @param logs Where the instance logs.
 */
export function tellDefault(database: unknown, logs: Logs): void {
  if (database !== undefined || isSaid) return;
  isSaid = true;
  const text =
    "No database was named, so this process keeps its own in ./.continuum, which no other " +
    'process shares. Say database: "pglite:./.continuum" if that is meant; else name yours, and look ' +
    "whether DATABASE_URL is set";
  // deno-lint-ignore no-console -- no one would see it: the log is silent until it is configured
  if (logs === LOGTAPE && !isLogTapeConfigured()) console.warn(text);
  else logs.engine.warn(text);
}
