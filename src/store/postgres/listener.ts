/**
 * A LISTEN that outlives its connection.
 *
 * - LISTENER-1: a connection over which nothing comes any more is found out: a question every few seconds
 *   has to be answered.
 * - LISTENER-2: behind a pooler that hands out transactions nothing is listened to: it would leave the
 *   LISTEN on somebody else's session, and hear nothing.
 * - LISTENER-3: a server that gives no connection for it keeps nobody from opening; and one that has none
 *   left for others gets it back for a while.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import { getLogger } from "@logtape/logtape";
import { Connection, type ConnectionOptions, type Fault } from "./connection.ts";
import { isFull, tellNeeds } from "./pool.ts";

/** Waits between attempts to come back, in milliseconds; the last one repeats. */
const BACK_OFF = [50, 100, 250, 500, 1_000, 2_000, 5_000];

/** How often a pooler gets the chance to show that it hands out transactions. */
const LOOKS = 5;

const PID = "select pg_catalog.pg_backend_pid() as pid";

const log = getLogger(["continuum", "engine"]);

/** What a listener needs. */
export interface ListenerOptions extends ConnectionOptions {
  /** A lower-case identifier. */
  readonly channel: string;
  /** Milliseconds between two questions (LISTENER-1). */
  readonly questionMs: number;
  /** The server is full: others give up what they can. */
  readonly makeRoom: () => Promise<unknown>;
  /** Whether it was a while ago. */
  readonly isNarrow: () => boolean;
  /** Called each time the connection was lost and is back. */
  readonly onGap: () => void;
}

/** Listens on one channel over a connection of its own, and comes back when that is lost. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #ended = Promise.withResolvers<void>();
  #connection: Connection | undefined;
  #isEnded = false;
  #keeping: Promise<void> | undefined;

  /**
   * Connects to nothing before `start()`.
   *
   * @param options What it needs.
   */
  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Starts listening; resolves when notifications are heard, or nothing is to be heard now (LISTENER-3). */
  async start(): Promise<void> {
    try {
      if (!await this.#listen()) return;
    } catch (error) {
      if (!isFull(error)) throw error;
      tellNeeds(error as Fault);
      log.warn(
        "Cannot listen for hints now: {error}; what they would have said is found with the next " +
          "heartbeat, and listening is tried again",
        { error: (error as Fault).cause },
      );
      await this.#options.makeRoom();
    }
    this.#keeping = inBackground(
      this.#keep(),
      (error) => log.error("Cannot listen for hints any more: {error}", { error }),
    );
  }

  /**
   * Gives up its connection for as long as the server is full (LISTENER-3).
   *
   * @returns Whether it had one.
   */
  async rest(): Promise<boolean> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined || connection.isLost) return false;
    await connection.end();
    return true;
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#ended.resolve();
    await this.#keeping;
    await this.#connection?.end();
  }

  /** `false`: there is nothing to be heard here (LISTENER-2). */
  async #listen(): Promise<boolean> {
    const connection = await Connection.open(this.#options);
    if (connection.isPooled && await this.#isShared(connection)) {
      await connection.end();
      log.warn(
        "Cannot listen for hints: the connection leads to a pooler that hands out transactions; " +
          "what hints would have said is found with the next heartbeat; name the server itself in " +
          "option listenUrl of postgres()",
      );
      return false;
    }
    await connection.script(`listen ${this.#options.channel}`);
    this.#connection = connection;
    return true;
  }

  /** Whether a statement of another connection runs in the session of this one. */
  async #isShared(own: Connection): Promise<boolean> {
    const other = await Connection.open(this.#options);
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
      await this.#pause(this.#options.questionMs, connection.lost.catch(() => {}));
      if (!this.#isEnded && !connection.isLost) await this.#question(connection);
    }
  }

  /** LISTENER-1. */
  async #question(connection: Connection): Promise<void> {
    const timer = setTimeout(
      () => connection.destroy("no answer"),
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
