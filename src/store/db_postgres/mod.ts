/**
 * The adapter for a `Pool` of `jsr:@db/postgres`, which the application imports and passes.
 *
 * ```ts ignore
 * import { Pool } from "jsr:@db/postgres@^0.19.5";
 * import { Continuum } from "@continuum/continuum";
 * import { dbPostgres } from "@continuum/continuum/db-postgres";
 *
 * const pool = new Pool(Deno.env.get("DATABASE_URL"), 20, true);
 * await using continuum = await Continuum.open({ database: dbPostgres(pool) });
 * ```
 *
 * @module
 */

import { checkOptions, checkText, checkWhole, refuseUnless } from "../../base/arguments.ts";
import { LOGTAPE } from "../../base/log.ts";
import { describeUrl } from "../postgres/client.ts";
import { ServerDriver } from "../postgres/server_driver.ts";
import type { DatabaseAdapter } from "../sql/driver.ts";
import { DbConnection, type DbPostgresShared } from "./connection.ts";
import type { DbPool } from "./driver_types.ts";
import { Polling } from "./polling.ts";
import { Seats } from "./seats.ts";

export type { DbArrayResult, DbColumn, DbPool, DbPoolClient } from "./driver_types.ts";

/**
 * Options of {@linkcode dbPostgres}.
 *
 * @category Databases
 */
export interface DbPostgresOptions {
  /**
   * The database's name in messages.
   *
   * @default {"a pool of @db/postgres"}
   */
  readonly name?: string;
  /**
   * A URL for LISTEN, over `npm:pg`: `postgres://...`. Without it, the engine looks every `pollMs`
   * for what it would be notified of.
   *
   * @default {none}
   */
  readonly listenUrl?: string;
  /**
   * Milliseconds between two looks without `listenUrl`, from 50. Each costs about seven short
   * statements.
   *
   * @default {1000}
   */
  readonly pollMs?: number;
  /**
   * The most clients for the engine's statements. The journal has one more.
   *
   * @default {4}
   */
  readonly connections?: number;
  /**
   * The most clients for `ctx.transaction`: so many run at once.
   *
   * @default {4}
   */
  readonly transactions?: number;
  /**
   * How long the journal waits for a locked row, in milliseconds.
   *
   * @default {50}
   */
  readonly lockTimeoutMs?: number;
  /**
   * Milliseconds without an answer until the server is asked, over another client, whether it
   * executes the statement. If it does not, the client is reconnected.
   *
   * @default {5000}
   */
  readonly answerMs?: number;
}

const KEYS = [
  ...["name", "listenUrl", "pollMs", "connections", "transactions", "lockTimeoutMs", "answerMs"],
];

/**
 * A Postgres database over a pool of `jsr:@db/postgres`. The engine takes up to `connections +
 * transactions + 1` clients from the pool as it needs them, and gives them back when it closes. The
 * pool stays the application's, which ends it.
 *
 * @param pool The pool. Make it `lazy`: otherwise it connects before the engine can handle errors.
 * @param options How to use it.
 * @returns A value for option `database`.
 * @throws {InvalidArgumentError} If the pool is not one, or an option is unknown or invalid.
 * @throws {InvalidArgumentError} (`DATABASE_OPTION`) If `listenUrl` is invalid.
 *
 * @category Databases
 */
export function dbPostgres(pool: DbPool, options: DbPostgresOptions = {}): DatabaseAdapter {
  const call = "dbPostgres()";
  refuseUnless(isPool(pool), `the pool of ${call}`, pool, "a Pool of jsr:@db/postgres");
  checkOptions(options, KEYS, call);
  const { name: description = "a pool of @db/postgres", listenUrl, pollMs = 1_000 } = options;
  const { answerMs = 5_000, ...limits } = options;
  checkText(description, `option name of ${call}`);
  checkWhole(pollMs, `option pollMs of ${call}`, 50);
  checkWhole(answerMs, `option answerMs of ${call}`, 1);
  for (const key of ["connections", "transactions", "lockTimeoutMs"] as const) {
    if (limits[key] !== undefined) checkWhole(limits[key], `option ${key} of ${call}`, 1);
  }
  if (listenUrl !== undefined) describeUrl(listenUrl);
  return {
    description,
    async open({ log } = { log: LOGTAPE.engine }) {
      const listeners = listenUrl === undefined
        ? undefined
        : await import("../postgres/listener.ts");
      const seats = new Seats(pool);
      const shared: DbPostgresShared = { seats, decoding: undefined };
      return new ServerDriver({
        ...limits,
        description,
        log,
        prepare: false,
        connect: (role) => DbConnection.open({ role, answerMs }, shared),
        listener: (given) =>
          listeners === undefined ? new Polling(pollMs, given.onGap) : new listeners.Listener({
            ...given,
            url: listenUrl!,
            applicationName: "continuum",
            answerMs,
            role: { lane: "engine" },
            testMs: 2 * answerMs,
          }),
        close: () => seats.end(),
      });
    },
  };
}

function isPool(pool: unknown): pool is DbPool {
  const { connect, size, available } = (pool ?? {}) as Partial<DbPool>;
  return typeof connect === "function" && typeof size === "number" &&
    typeof available === "number";
}
