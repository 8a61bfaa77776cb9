/**
 * The settings of a session on which the store's statements rely.
 *
 * - SESSION-1: a setting that can be changed is set for each session, or for each transaction if a
 *   pooler shares sessions. A setting that can't be changed is checked, and refused by its name.
 *
 * @module
 */

import type { DatabaseError } from "../errors.ts";
import { databaseUnsuitable } from "../errors.ts";

/** The purpose of a connection. */
export interface Role {
  /** `user`: transactions of workflows, which keep the search path and the timeouts of the role. */
  readonly lane: "engine" | "user";
  /** Milliseconds that a statement waits for a locked row; 0: no limit. */
  readonly lockMs?: number;
}

/** What the server reports about itself. */
export interface ServerInfo {
  /** The process id of the server process. */
  readonly pid: number;
  /** The server's version. */
  readonly version: string;
  /** The server's version as a number. */
  readonly release: number;
  /** The encoding of the database. */
  readonly encoding: string;
  /** The settings that are checked. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The oldest supported version of the server. */
const OLDEST = 150_000;

/** Settings of every session, by name. */
const ALWAYS: Readonly<Record<string, string>> = {
  array_nulls: "on",
  bytea_output: "hex",
  client_encoding: "UTF8",
  DateStyle: "ISO",
  default_transaction_deferrable: "off",
  default_transaction_isolation: "read committed",
  exit_on_error: "off",
  extra_float_digits: "1",
  idle_session_timeout: "0",
  IntervalStyle: "postgres",
  // A replica checks no foreign keys, and removes no rows by them.
  session_replication_role: "origin",
  standard_conforming_strings: "on",
  transform_null_equals: "off",
};

/** The planner's methods of scanning and joining. */
const PLANS = [
  ...["bitmapscan", "hashagg", "hashjoin", "indexonlyscan", "indexscan", "mergejoin", "nestloop"],
  ...["seqscan", "sort", "tidscan"],
];

/**
 * Settings of sessions with only the store's statements, in which every name is qualified or built
 * in.
 */
const ENGINE: Readonly<Record<string, string>> = {
  // A disabled method counts as very expensive, and then the server compiles each short statement
  // (JIT).
  ...Object.fromEntries(PLANS.map((plan) => [`enable_${plan}`, "on"])),
  gin_fuzzy_search_limit: "0",
  idle_in_transaction_session_timeout: "0",
  jit: "off",
  search_path: "pg_catalog",
  statement_timeout: "0",
  transaction_timeout: "0",
};

const NAMES = [...Object.keys(ALWAYS), ...Object.keys(ENGINE), "lock_timeout"];

/** Reads {@linkcode ServerInfo}; names are qualified, since the search path is unknown yet. */
export const SERVER_INFO = `
  select pg_catalog.pg_backend_pid() as pid,
    pg_catalog.current_setting('server_version') as version,
    pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as release,
    pg_catalog.current_setting('server_encoding') as encoding,
    (select pg_catalog.json_object_agg(name, setting) from pg_catalog.pg_settings
     where name operator(pg_catalog.=) any (array[${
  NAMES.map((name) => `'${name}'`).join(",")
}]::pg_catalog.text[])) as settings`;

/**
 * Checks the settings that can't be changed.
 *
 * @param facts What the server reports.
 * @returns The first that is unsuitable; `null`: none.
 */
export function unsuitable(facts: ServerInfo): DatabaseError | null {
  const { release, version, encoding } = facts;
  if (release < OLDEST) {
    return databaseUnsuitable("server_version", version, "15 or newer");
  }
  if (encoding !== "UTF8" && encoding !== "SQL_ASCII") {
    return databaseUnsuitable(
      "server_encoding",
      encoding,
      "UTF8: create the database with encoding 'UTF8'",
    );
  }
  return null;
}

/**
 * Makes the statements that change a session's settings as needed.
 *
 * @param facts What the server reports.
 * @param role The purpose of the session.
 * @returns `set`, for the session; `local`, for a transaction; empty if nothing has to be set.
 */
export function adjusting(facts: ServerInfo, role: Role): { set: string; local: string } {
  const isEngine = role.lane === "engine";
  const lock = String(role.lockMs ?? 0);
  const wanted = { ...ALWAYS, ...(isEngine ? { ...ENGINE, lock_timeout: lock } : {}) };
  const statements = Object.entries(wanted).flatMap(([name, value]) => {
    const found = facts.settings[name];
    if (found === undefined || isFine(name, found, value)) return [];
    return [`${name} = ${/^[a-z]+$/i.test(value) ? value : `'${value}'`};`];
  });
  return {
    set: statements.map((text) => `set ${text}`).join(""),
    local: statements.map((text) => `set local ${text}`).join(""),
  };
}

function isFine(name: string, found: string, wanted: string): boolean {
  if (name === "DateStyle") return found.startsWith("ISO");
  if (name === "extra_float_digits") return Number(found) >= 1;
  return found === wanted;
}
