/**
 * A driver for a server with many sessions, over any kind of connection.
 *
 * - POSTGRES-1, lanes: the statements that keep a node alive never wait for users' statements.
 *   Transactions of workflows have connections of their own, and so has the journal, which waits
 *   for no lock.
 * - POSTGRES-2, a full server: if the server refuses a connection, each lane uses at most one for a
 *   while. The lane of workflows' transactions closes its connection after each transaction, and
 *   the journal has none. A lane that has no connection at all gets the listener's. So a node with
 *   two connections works, but slower. The journal never waits for a connection to be made: until
 *   it has one, its statements use the engine's.
 * - POSTGRES-3, poolers: behind a pooler no statement is prepared, unless option `prepare` is true
 *   and the pooler supports it, and no statement relies on another's session.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import type { Logger } from "../../base/plain_log.ts";
import type { SqlDriver, SqlSession, SqlValue, TransactionOptions } from "../sql/driver.ts";
import { DatabaseUnavailableError } from "../errors.ts";
import { type Connection, Fault } from "./connection.ts";
import { isFull, Pool } from "./pool.ts";
import { Statements } from "./statements.ts";
import type { Role } from "./settings.ts";
import { runHeld } from "./transaction.ts";
import { isAnswered, isContention, outcomeOf } from "../sql/sqlstate.ts";

/** Receives notifications of one channel. */
export interface Listening {
  /** Begins; resolves when notifications arrive, or when the server has no room now. */
  start(): Promise<void>;
  /** Gives its connection up for a while; returns whether there was one (POSTGRES-2). */
  rest(): Promise<boolean>;
  /** Ends. */
  end(): Promise<void>;
}

/** What a listener gets from its driver. */
export interface ListeningOptions {
  /** The channel: a lower-case identifier. */
  readonly channel: string;
  /** The engine's log. */
  readonly log: Logger;
  /** Called when the server is full: the pools close the connections that they can spare. */
  readonly makeRoom: () => Promise<unknown>;
  /** Whether the server was full recently. */
  readonly isNarrow: () => boolean;
  /** Receives the payloads of notifications. */
  readonly onNotification: (payload: string) => void;
  /** Called when notifications may have been missed. */
  readonly onGap: () => void;
}

/** How a driver connects, and to what. */
export interface ServerOptions {
  /** The database's name in messages, without secrets. */
  readonly description: string;
  /** The engine's log. */
  readonly log: Logger;
  /** Makes a connection. */
  readonly connect: (role: Role) => Promise<Connection>;
  /** Makes a listener; it connects in `start()`. */
  readonly listener: (options: ListeningOptions) => Listening;
  /** Whether to prepare statements. Default: `true` without a pooler in between. */
  readonly prepare?: boolean;
  /** The maximum number of connections for the engine's statements. Default: 4. */
  readonly connections?: number;
  /** The maximum number of connections for `ctx.transaction`. Default: 4. */
  readonly transactions?: number;
  /** How long the journal waits for a locked row, in milliseconds. Default: 50. */
  readonly lockTimeoutMs?: number;
  /** Called when all connections are closed. */
  readonly close?: () => Promise<void>;
}

/** Milliseconds for which a node uses few connections after the server refused one (POSTGRES-2). */
const NARROW_MS = 60_000;

/** Milliseconds until the journal tries again to connect. */
const AGAIN_MS = 1_000;

/** A driver for a server with many sessions. */
export class ServerDriver implements SqlDriver {
  /** See {@linkcode SqlDriver.exclusive}. */
  readonly exclusive = false;
  /** See {@linkcode SqlDriver.impatient}. */
  readonly impatient: SqlSession;
  readonly #engine: Pool;
  readonly #journal: Pool;
  readonly #user: Pool;
  readonly #statements: Statements;
  readonly #listeners = new Set<Listening>();
  readonly #options: ServerOptions;
  readonly #lockMs: number;
  /** POSTGRES-2: until this time the node uses few connections. */
  #narrowUntil = 0;
  #isPoolerReported = false;
  /** The journal does not try to connect before this time. */
  #unjournaledUntil = 0;

  /**
   * Makes the lanes; nothing connects yet.
   *
   * @param options How to connect.
   */
  constructor(options: ServerOptions) {
    const { connections = 4, transactions = 4, lockTimeoutMs = 50 } = options;
    this.#options = options;
    this.#lockMs = lockTimeoutMs;
    this.#statements = new Statements(options.prepare);
    const hooks = {
      makeRoom: (isStarving: boolean) => this.#narrow(isStarving),
      isNarrow: () => this.#isNarrow,
      onPooler: () => this.#reportPooler(),
    };
    const pool = (limit: number, rest: number, role: Role) =>
      new Pool({ ...hooks, connect: () => options.connect(role), limit, rest });
    this.#engine = pool(connections, 1, { lane: "engine" });
    this.#journal = pool(1, 0, { lane: "engine", lockMs: lockTimeoutMs });
    this.#user = pool(transactions, 0, { lane: "user" });
    this.impatient = {
      query: (text, values = []) => this.#asked(() => this.#askJournal(text, values)),
      script: (text) => this.script(text),
    };
  }

  /** See {@linkcode SqlSession.query}. */
  query<Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    return this.#asked(() =>
      this.#engine.use((connection) => this.#statements.query<Row>(connection, text, values))
    );
  }

  /** See {@linkcode SqlSession.script}. */
  async script(text: string): Promise<void> {
    await this.#asked(() => this.#engine.use((connection) => connection.script(text)));
  }

  /** See {@linkcode SqlDriver.transaction}. */
  async transaction<Answer>(
    work: (session: SqlSession) => Promise<Answer>,
    { isUsers = false }: TransactionOptions = {},
  ): Promise<Answer> {
    const pool = isUsers ? this.#user : this.#engine;
    try {
      return await pool.use((connection) =>
        runHeld(connection, work, {
          statements: isUsers ? undefined : this.#statements,
          translate: (error) => this.#translated(error, isUsers),
        })
      );
    } catch (error) {
      throw this.#faulty(error);
    }
  }

  /** See {@linkcode SqlDriver.listen}. */
  async listen(
    channel: string,
    onPayload: (payload: string) => void,
    onGap: () => void,
  ): Promise<() => Promise<void>> {
    const listener = this.#options.listener({
      channel,
      log: this.#options.log,
      makeRoom: () => this.#narrow(false),
      isNarrow: () => this.#isNarrow,
      onNotification: onPayload,
      onGap,
    });
    this.#listeners.add(listener);
    const end = async () => {
      this.#listeners.delete(listener);
      await listener.end();
    };
    try {
      await this.#asked(() => listener.start());
    } catch (error) {
      await end();
      throw error;
    }
    return end;
  }

  /** See {@linkcode SqlDriver.close}. */
  async close(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.end()));
    await Promise.all([this.#engine.end(), this.#journal.end(), this.#user.end()]);
    await this.#options.close?.();
  }

  async #askJournal<Row>(text: string, values: readonly SqlValue[]): Promise<Row[]> {
    if (this.#journal.size > 0) {
      try {
        return await this.#journal.use((connection) =>
          this.#statements.query<Row>(connection, text, values)
        );
      } catch (error) {
        if (!isFull(error)) throw error; // it was refused in place of one that was lost
      }
    } else if (!this.#isNarrow && performance.now() >= this.#unjournaledUntil) {
      inBackground(this.#warmJournal());
    }
    const lockMs = this.#lockMs;
    return await this.#engine.use((connection) => connection.query<Row>(text, values, { lockMs }));
  }

  /** POSTGRES-2: makes the journal's connection, which the next statement uses. */
  async #warmJournal(): Promise<void> {
    this.#unjournaledUntil = Infinity; // one attempt at a time
    await inBackground(this.#journal.warm());
    this.#unjournaledUntil = performance.now() + AGAIN_MS;
  }

  get #isNarrow(): boolean {
    return performance.now() < this.#narrowUntil;
  }

  /**
   * POSTGRES-2: closes the connections that the lanes can spare; returns whether there were any.
   */
  async #narrow(isStarving: boolean): Promise<boolean> {
    this.#narrowUntil = performance.now() + NARROW_MS;
    const pools = [this.#journal, this.#user, this.#engine];
    const given = await Promise.all(pools.map((pool) => pool.shrink()));
    if (given.some((connections) => connections > 0)) return true;
    if (!isStarving) return false;
    const rests = await Promise.all([...this.#listeners].map((listener) => listener.rest()));
    return rests.includes(true);
  }

  /** POSTGRES-3: logs, once, that there is a pooler. */
  #reportPooler(): void {
    if (this.#isPoolerReported) return;
    this.#isPoolerReported = true;
    this.#options.log.info(
      "Database {database} is behind a pooler: each statement runs in a transaction that sets what " +
        "it needs, and is prepared only if option prepare is true",
      { database: this.#options.description },
    );
  }

  async #asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask();
    } catch (error) {
      throw this.#translated(error, false);
    }
  }

  /** All failures that may pass and that callers can't prevent become one error. */
  #translated(error: unknown, isUsers: boolean): unknown {
    const passes = !isUsers && isAnswered(error) && outcomeOf(error) !== "refused" &&
      !isContention(error);
    return passes
      ? new DatabaseUnavailableError(
        this.#options.description,
        error,
        outcomeOf(error) === "unknown",
      )
      : this.#faulty(error);
  }

  #faulty(error: unknown): unknown {
    return error instanceof Fault
      ? new DatabaseUnavailableError(this.#options.description, error.cause, error.mayBeWritten)
      : error;
  }
}
