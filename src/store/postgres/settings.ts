/**
 * What a session has to be like for the store's statements to mean what they say.
 *
 * - SESSION-1: what may be set is set for each session, and for each transaction where a pooler hands out
 *   sessions; what may not is checked, and refused by its name.
 *
 * @module
 */

import { DatabaseUnsuitableError } from "../errors.ts";

/** What a connection is for. */
export interface Role {
  /** `user`: transactions of workflows, whose names are looked up and timed as the role says. */
  readonly lane: "engine" | "user";
  /** Milliseconds that a statement waits for a locked row; 0: for as long as it takes. */
  readonly lockMs?: number;
}

/** What a server says of itself. */
export interface ServerInfo {
  /** The number of the process that answers. */
  readonly pid: number;
  /** Its release. */
  readonly version: string;
  /** Its release as one number. */
  readonly release: number;
  /** The encoding of the database. */
  readonly encoding: string;
  /** All settings that are looked at. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The oldest release whose SQL the store speaks. */
const OLDEST = 150_000;

/** Wanted in every session; by name, with what it is set to. */
const ALWAYS: Readonly<Record<string, string>> = {
  array_nulls: "on",
  bytea_output: "hex",
  client_encoding: "UTF8",
  DateStyle: "ISO",
  default_transaction_deferrable: "off",
  default_transaction_isolation: "read committed",
  extra_float_digits: "1",
  idle_session_timeout: "0",
  IntervalStyle: "postgres",
  standard_conforming_strings: "on",
  transform_null_equals: "off",
};

/** Ways to read and join that the planner chooses from. */
const PLANS = [
  ...["bitmapscan", "hashagg", "hashjoin", "indexonlyscan", "indexscan", "mergejoin", "nestloop"],
  ...["seqscan", "sort", "tidscan"],
];

/** Wanted where only the store's own statements run: every name in them is qualified or built in. */
const ENGINE: Readonly<Record<string, string>> = {
  // A plan that is forbidden counts as dear: the server then compiles each short statement first.
  ...Object.fromEntries(PLANS.map((plan) => [`enable_${plan}`, "on"])),
  gin_fuzzy_search_limit: "0",
  idle_in_transaction_session_timeout: "0",
  jit: "off",
  search_path: "pg_catalog",
  statement_timeout: "0",
  transaction_timeout: "0",
};

const NAMES = [...Object.keys(ALWAYS), ...Object.keys(ENGINE), "lock_timeout"];

/** Asks for {@linkcode ServerInfo}; qualified, since the search path is not known yet. */
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
 * Finds what can't be set.
 *
 * @param facts What the server says.
 * @returns The first fault; `null`: none.
 */
export function unsuitable(facts: ServerInfo): DatabaseUnsuitableError | null {
  const { release, version, encoding } = facts;
  if (release < OLDEST) {
    return new DatabaseUnsuitableError("server_version", version, "15 or newer");
  }
  if (encoding !== "UTF8" && encoding !== "SQL_ASCII") {
    return new DatabaseUnsuitableError(
      "server_encoding",
      encoding,
      "UTF8: create the database with encoding 'UTF8'",
    );
  }
  return null;
}

/**
 * The statements that make a session what it has to be.
 *
 * @param facts What the server says.
 * @param role What the session is for.
 * @returns `set`, for the session; `local`, for a transaction; empty where nothing is to be set.
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
