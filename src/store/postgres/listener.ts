/**
 * A LISTEN that survives the loss of its connection.
 *
 * - LISTENER-1: a connection that delivers nothing any more is detected: it must answer a query
 *   every few seconds.
 * - LISTENER-2: behind a pooler in transaction mode there is no LISTEN: it would stay in a session
 *   that other clients use, and deliver nothing here.
 * - LISTENER-3: opening succeeds even if the server refuses this connection. If the server has no
 *   connection left for the engine's statements, the listener gives its own up for a while.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import type { Connection, Fault } from "./connection.ts";
import { type ConnectionOptions, PgConnection } from "./pg_connection.ts";
import { addNeeds, isFull } from "./pool.ts";
import type { Listening, ListeningOptions } from "./server_driver.ts";

/** Milliseconds between attempts to reconnect; the last value repeats. */
const BACK_OFF = [50, 100, 250, 500, 1_000, 2_000, 5_000];

/** How many times two sessions are compared to detect a pooler in transaction mode. */
const LOOKS = 5;

const PID = "select pg_catalog.pg_backend_pid() as pid";

/** Options of a listener. */
export interface ListenerOptions extends ConnectionOptions, ListeningOptions {
  /** Milliseconds between two queries that test the connection (LISTENER-1). */
  readonly testMs: number;
  /** Receives the payloads of notifications. */
  readonly onNotification: (payload: string) => void;
}

/** Listens on one channel over a connection of its own, and reconnects when that is lost. */
export class Listener implements Listening {
  readonly #options: ListenerOptions;
  readonly #ended = Promise.withResolvers<void>();
  #connection: Connection | undefined;
  #isEnded = false;
  #keeping: Promise<void> | undefined;

  /**
   * Creates the listener; it connects in `start()`.
   *
   * @param options Its options.
   */
  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /**
   * Starts to listen; resolves when notifications arrive, or when the server has no room now
   * (LISTENER-3).
   */
  async start(): Promise<void> {
    try {
      if (!await this.#listen()) return;
    } catch (error) {
      if (!isFull(error)) throw error;
      addNeeds(error as Fault);
      this.#options.log.warn(
        "Cannot listen for hints now: {error}; each heartbeat finds what they would have reported, " +
          "and the engine tries again to listen",
        { error: (error as Fault).cause },
      );
      await this.#options.makeRoom();
    }
    this.#keeping = inBackground(
      this.#keep(),
      (error) => this.#options.log.error("Cannot listen for hints any more: {error}", { error }),
    );
  }

  /**
   * Closes the connection until the server has room again (LISTENER-3).
   *
   * @returns Whether there was one.
   */
  async rest(): Promise<boolean> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined || connection.isLost) return false;
    await connection.end();
    return true;
  }

  /** Stops listening. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#ended.resolve();
    await this.#keeping;
    await this.#connection?.end();
  }

  /** Returns `false` if the connection leads to a pooler in transaction mode (LISTENER-2). */
  async #listen(): Promise<boolean> {
    const connection = await PgConnection.open(this.#options);
    if (connection.isPooled && await this.#isShared(connection)) {
      await connection.end();
      this.#options.log.warn(
        "Cannot listen for hints: the connection leads to a pooler in transaction mode; each " +
          "heartbeat finds what hints would have reported; set option listenUrl of postgres() to " +
          "the server itself",
        {},
      );
      return false;
    }
    await connection.script(`listen ${this.#options.channel}`);
    this.#connection = connection;
    return true;
  }

  /** Whether a statement of another connection runs in this one's session. */
  async #isShared(own: Connection): Promise<boolean> {
    const other = await PgConnection.open(this.#options);
    try {
      for (let look = 0; look < LOOKS; look++) {
        const [mine, theirs] = [await pidOf(own), await pidOf(other)];
        if (mine === theirs || mine !== await pidOf(own)) return true;
      }
      return false;
    } finally {
      await other.end();
    }
  }

  async #keep(): Promise<void> {
    while (!this.#isEnded) {
      if (this.#connection !== undefined) await this.#untilLost(this.#connection);
      for (let attempt = 0; !this.#isEnded; attempt++) {
        if (this.#options.isNarrow()) {
          await this.#pause(BACK_OFF.at(-1)!);
          continue;
        }
        try {
          if (!await this.#listen()) return;
          this.#options.onGap();
          break;
        } catch {
          await this.#pause(BACK_OFF[Math.min(attempt, BACK_OFF.length - 1)]!);
        }
      }
    }
  }

  async #untilLost(connection: Connection): Promise<void> {
    while (!this.#isEnded && !connection.isLost) {
      await this.#pause(this.#options.testMs, connection.lost.catch(() => {}));
      if (!this.#isEnded && !connection.isLost) await this.#test(connection);
    }
  }

  /** LISTENER-1: closes the connection if it does not answer in time. */
  async #test(connection: Connection): Promise<void> {
    const timer = setTimeout(
      () => connection.destroy("the server did not answer"),
      this.#options.answerMs,
    );
    await connection.script("select 1").catch(() => {});
    clearTimeout(timer);
  }

  async #pause(ms: number, orElse?: Promise<unknown>): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    await Promise.race([over.promise, this.#ended.promise, ...(orElse ? [orElse] : [])]);
    clearTimeout(timer);
  }
}

async function pidOf(connection: Connection): Promise<number> {
  const [row] = await connection.query<{ pid: number }>(PID, []);
  return row!.pid;
}
