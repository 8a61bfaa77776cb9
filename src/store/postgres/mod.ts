/**
 * The adapter for Postgres, over `npm:pg`.
 *
 * ```ts
 * import { postgres } from "@continuum/continuum/postgres";
 *
 * const database = postgres("postgres://pooler:6432/app", {
 *   listenUrl: "postgres://server:5432/app",
 * });
 * ```
 *
 * @module
 */

import { LOGTAPE } from "../../base/log.ts";
import type { DatabaseAdapter } from "../sql/driver.ts";
import { describeUrl } from "./client.ts";
import { type ConnectionOptions, PgConnection } from "./pg_connection.ts";
import { Listener } from "./listener.ts";
import { ServerDriver } from "./server_driver.ts";

export type {
  DatabaseAdapter,
  DriverHost,
  SqlDriver,
  SqlSession,
  SqlValue,
  TransactionOptions,
} from "../sql/driver.ts";

/** Options of a Postgres database. */
export interface PostgresOptions {
  /** The URL for LISTEN; needed if `url` leads to a pooler. Default: `url`. */
  readonly listenUrl?: string;
  /**
   * Whether to prepare statements. Default: `true` without a pooler in between. Set `true` for a
   * pooler that supports prepared statements. Inside transactions behind a pooler, no statement is
   * prepared.
   */
  readonly prepare?: boolean;
  /**
   * The maximum number of connections for the engine's statements. The journal and LISTEN have one
   * more each; transactions of workflows have `transactions`. Default: 4.
   */
  readonly connections?: number;
  /** The maximum number of connections for `ctx.transaction`: so many run at once. Default: 4. */
  readonly transactions?: number;
  /** How long the journal waits for a locked row, in milliseconds. Default: 50. */
  readonly lockTimeoutMs?: number;
  /**
   * Milliseconds without an answer until the server is asked whether it executes the statement. If
   * it does not, the connection is replaced. Default: 5,000.
   */
  readonly answerMs?: number;
  /** The name of the connections in `pg_stat_activity`. Default: `continuum`. */
  readonly applicationName?: string;
}

/**
 * A Postgres database.
 *
 * @param url `postgres://user:password@host:port/name`.
 * @param options How to use it.
 * @returns A value for option `database`. Connections are made when they are needed.
 * @throws {InvalidArgumentError} (`DATABASE_OPTION`) If `url` or `listenUrl` is invalid.
 */
export function postgres(url: string, options: PostgresOptions = {}): DatabaseAdapter {
  const description = describeUrl(url);
  if (options.listenUrl !== undefined) describeUrl(options.listenUrl);
  return {
    description,
    open: ({ log } = { log: LOGTAPE.engine }) => {
      const { listenUrl = url, answerMs = 5_000, applicationName = "continuum" } = options;
      const common = { url, applicationName, answerMs };
      return Promise.resolve(
        new ServerDriver({
          ...options,
          description,
          log,
          connect: (role) => PgConnection.open({ ...common, role }),
          listener: (given) => {
            const own: ConnectionOptions = { ...common, url: listenUrl, role: { lane: "engine" } };
            return new Listener({ ...own, ...given, testMs: 2 * answerMs });
          },
        }),
      );
    },
  };
}
