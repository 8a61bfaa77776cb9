/**
 * The clients that the store has from a pool of `jsr:@db/postgres`: it connects and disconnects them
 * itself, and gives them back when it closes.
 *
 * - SEAT-1, taken once: a pool loses a client with every attempt to connect that fails, and hands
 *   one out whose connection is dead. So the pool is asked only for clients that the store does not
 *   have yet, and all others are connected here.
 * - SEAT-2, a session of its own: what the application has set in a session is discarded before the
 *   store uses it, and a client goes back to the pool without its session.
 * - SEAT-3, a socket that can't be written to: the driver can't close it, and takes its client for
 *   connected for good. A client connects anew if it appears not to be connected, and closes the
 *   old socket first.
 * - SEAT-4, an exhausted pool: where no client is free, a caller does not wait for one. That counts
 *   as a server that has no session left (POOL-1).
 * - SEAT-5, no client is used while a call of the driver on it has not ended: the driver would
 *   close the new connection when the old call ends.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import { Fault, NoSession } from "../postgres/connection.ts";
import type { DbPool, DbPoolClient } from "./driver_types.ts";
import { serverError } from "./server_error.ts";

/** Milliseconds after which an attempt to connect fails. */
const CONNECT_MS = 15_000;

/** Milliseconds that a client has to disconnect. */
const GOODBYE_MS = 1_000;

/** The clients of one store. */
export class Seats {
  readonly #pool: DbPool;
  /** Clients that are not in use. */
  readonly #free: DbPoolClient[] = [];
  readonly #returning = new Set<Promise<void>>();
  #isClosed = false;

  /** @param pool Where clients come from. */
  constructor(pool: DbPool) {
    this.#pool = pool;
  }

  /**
   * Takes a client, with a session that nothing else has used.
   *
   * @returns The client, connected.
   * @throws {Fault} If it can't connect, or the pool has no client left.
   */
  async take(): Promise<DbPoolClient> {
    const known = this.#free.pop();
    try {
      if (known === undefined) return await this.#fromPool();
      await inTime(this.#reconnect(known), () => this.giveBack(known), () => this.giveBack(known));
      return known;
    } catch (error) {
      if (known !== undefined && !(error instanceof NoAnswer)) this.#free.push(known);
      throw error instanceof Fault ? error : new Fault(serverError(error), false);
    }
  }

  /**
   * Disconnects a client, and keeps it.
   *
   * @param client The client.
   * @param call The last call of the driver on it (SEAT-5).
   * @returns Resolves when it is disconnected, or after a second.
   */
  giveBack(client: DbPoolClient, call: Promise<unknown> = Promise.resolve()): Promise<void> {
    const ended = inBackground(client.end());
    const returned = Promise.all([ended, inBackground(call)]).then(() => {
      if (this.#isClosed) this.#release(client);
      else this.#free.push(client);
    });
    return atMost(GOODBYE_MS, this.#noted(returned));
  }

  /**
   * Uses a client for a while.
   *
   * @param work Uses it.
   * @param over Resolves when the result is of no use any more.
   * @returns The result; `null` if `over` came first.
   */
  lend<T>(work: (client: DbPoolClient) => Promise<T>, over: Promise<void>): Promise<T | null> {
    const none = over.then(() => null);
    const lent = this.take().then(async (client) => {
      const working = work(client);
      try {
        return await Promise.race([working, none]);
      } finally {
        await this.giveBack(client, working);
      }
    });
    inBackground(this.#noted(inBackground(lent)));
    return Promise.race([lent, none]);
  }

  /** Gives all clients back to the pool, disconnected. */
  async end(): Promise<void> {
    const returned = async () => {
      while (this.#returning.size > 0) await Promise.all(this.#returning);
    };
    await atMost(GOODBYE_MS, returned());
    this.#isClosed = true;
    await Promise.all(this.#free.splice(0).map((client) => this.#leave(client)));
  }

  /** Notes that a client is on its way back. */
  #noted(returning: Promise<void>): Promise<void> {
    const noted = returning.finally(() => this.#returning.delete(noted));
    this.#returning.add(noted);
    return noted;
  }

  async #fromPool(): Promise<DbPoolClient> {
    const { size, available } = this.#pool;
    if (size > 0 && available === 0) { // SEAT-4
      throw new Fault(
        new NoSession(
          `no more connections allowed: all ${size} clients of the pool are in use or were lost`,
        ),
        false,
      );
    }
    const client = await inTime(this.#pool.connect(), (late) => this.giveBack(late));
    try {
      await client.queryArray({ text: "discard all" }); // SEAT-2
    } catch {
      await this.#reconnect(client);
    }
    return client;
  }

  async #reconnect(client: DbPoolClient): Promise<void> {
    if (client.connected) await client.end().catch(() => {});
    if (!client.connected) return await client.connect();
    Object.defineProperty(client, "connected", { value: false, configurable: true }); // SEAT-3
    try {
      await client.connect();
    } finally {
      delete (client as { connected?: boolean }).connected;
    }
  }

  /** SEAT-3: connecting is the only way to close the socket. */
  async #leave(client: DbPoolClient): Promise<void> {
    if (client.connected) {
      await inTime(this.#reconnect(client), () => client.end()).catch(() => {});
      await client.end().catch(() => {});
    }
    this.#release(client);
  }

  #release(client: DbPoolClient): void {
    try {
      client.release();
    } catch {
      // The pool was ended meanwhile.
    }
  }
}

/** An attempt to connect has not ended in time. */
class NoAnswer extends Error {}

/** Waits for an attempt to connect; `late` and `failed` are called if it ends too late. */
async function inTime<T>(
  attempt: Promise<T>,
  late: (result: T) => unknown,
  failed: () => unknown = () => {},
): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    reject(new NoAnswer("the server did not answer"));
  }, CONNECT_MS);
  inBackground(
    attempt.then(
      (result) => isOver ? late(result) : undefined,
      () => isOver ? failed() : undefined,
    ),
  );
  try {
    return await Promise.race([attempt, expired]);
  } finally {
    clearTimeout(timer);
  }
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([inBackground(work), over]);
  clearTimeout(timer);
}
