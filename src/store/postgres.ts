/**
 * The adapter for Postgres, over `npm:postgres`.
 *
 * ```ts
 * import { postgres } from "@continuum/continuum/postgres";
 *
 * const database = postgres("postgres://pooler:6432/app", {
 *   listenUrl: "postgres://server:5432/app",
 *   prepare: false,
 * });
 * ```
 *
 * @module
 */

import type { DatabaseAdapter, SqlDriver, SqlSession, SqlValue } from "./driver.ts";
import { DatabaseUnavailableError } from "./errors.ts";
import { LastingClient } from "./postgres_client.ts";
import { Listener } from "./postgres_listener.ts";
import { isUnavailable } from "./sqlstate.ts";

export type { DatabaseAdapter, SqlDriver, SqlSession, SqlValue } from "./driver.ts";

/** How to talk to Postgres. */
export interface PostgresOptions {
  /** Where to LISTEN; needed where `url` leads to a pooler. Default: `url`. */
  readonly listenUrl?: string;
  /** Whether to prepare statements; `false` for poolers that can't. Default: `true`. */
  readonly prepare?: boolean;
  /** Connections for all but the journal and LISTEN, which have one each. Default: 4. */
  readonly connections?: number;
  /** How long the journal waits for a locked row, in milliseconds. Default: 50. */
  readonly lockTimeoutMs?: number;
  /** The name of the connections in `pg_stat_activity`. Default: `continuum`. */
  readonly applicationName?: string;
}

/**
 * A Postgres database.
 *
 * @param url `postgres://user:password@host:port/name`.
 * @param options How to talk to it.
 * @returns What `database` takes. Connections are made when they are needed.
 */
export function postgres(url: string, options: PostgresOptions = {}): DatabaseAdapter {
  const { host, pathname } = new URL(url);
  const description = `postgres://${host}${pathname}`;
  return {
    description,
    open: () => Promise.resolve(new PostgresDriver(url, options, description)),
  };
}

type Client = Parameters<Parameters<LastingClient["ask"]>[0]>[0];

/** Asks a client, or a transaction of it. */
type Through = <Answer>(
  ask: (client: Pick<Client, "unsafe">) => PromiseLike<Answer>,
) => PromiseLike<Answer>;

class PostgresDriver implements SqlDriver {
  readonly exclusive = false;
  readonly impatient: SqlSession;
  readonly #pool: LastingClient;
  readonly #journal: LastingClient;
  readonly #session: SqlSession;
  readonly #listeners = new Set<Listener>();
  readonly #listenUrl: string;
  readonly #applicationName: string;
  readonly #prepare: boolean;
  readonly #description: string;

  constructor(url: string, options: PostgresOptions, description: string) {
    this.#description = description;
    this.#prepare = options.prepare ?? true;
    this.#listenUrl = options.listenUrl ?? url;
    this.#applicationName = options.applicationName ?? "continuum";
    const common = { application_name: this.#applicationName };
    this.#pool = new LastingClient(url, clientOptions(options.connections ?? 4, common));
    this.#journal = new LastingClient(
      url,
      clientOptions(1, { ...common, lock_timeout: options.lockTimeoutMs ?? 50 }),
    );
    this.#session = this.#sessionOf((ask) => this.#pool.ask(ask));
    this.impatient = this.#sessionOf((ask) => this.#journal.ask(ask));
  }

  query<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]> {
    return this.#session.query(text, values);
  }

  script(text: string): Promise<void> {
    return this.#session.script(text);
  }

  async transaction<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result> {
    const result = await this.#translated(
      this.#pool.ask((pool) =>
        // Each statement has to see what others have committed by then (N1 of `nodes.ts`).
        pool.begin("isolation level read committed", async (client) => {
          const session = { ...this.#sessionOf((ask) => ask(client)), client };
          return { value: await work(session) };
        })
      ),
    );
    return (result as { value: Result }).value;
  }

  async listen(
    channel: string,
    onPayload: (payload: string) => void,
    onGap: () => void,
  ): Promise<() => Promise<void>> {
    const options = clientOptions(1, { application_name: this.#applicationName });
    const listener = new Listener(this.#listenUrl, options, channel, onPayload, onGap);
    this.#listeners.add(listener);
    const end = async () => {
      this.#listeners.delete(listener);
      await listener.end();
    };
    try {
      await this.#translated(listener.start());
    } catch (error) {
      await end();
      throw error;
    }
    return end;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.end()));
    await Promise.all([this.#pool.end(), this.#journal.end()]);
  }

  #sessionOf(through: Through): SqlSession {
    return {
      query: async <Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> => {
        const rows = await this.#translated(
          through((client) => client.unsafe(text, [...values], { prepare: this.#prepare })),
        );
        return Array.from(rows as Iterable<Row>);
      },
      script: async (text) => {
        await this.#translated(through((client) => client.unsafe(text).simple()));
      },
    };
  }

  async #translated<Result>(query: PromiseLike<Result>): Promise<Result> {
    try {
      return await query;
    } catch (error) {
      throw isUnavailable(error) ? new DatabaseUnavailableError(this.#description, error) : error;
    }
  }
}

function clientOptions(
  max: number,
  connection: { application_name: string; lock_timeout?: number },
) {
  return {
    max,
    connection,
    // Arrays go in as literals and never come out: types need not be asked for at each connection.
    fetch_types: false,
    onnotice: () => {},
    types: {
      bigint: { to: 20, from: [20], serialize: String, parse: Number },
      bytea: {
        to: 17,
        from: [17],
        serialize: (bytes: Uint8Array) => `\\x${bytes.toHex()}`,
        parse: (text: string) => Uint8Array.fromHex(text.slice(2)),
      },
    },
  };
}
