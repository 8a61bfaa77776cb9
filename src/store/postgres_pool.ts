/**
 * Connections that are used by turns. A connection is made when all are busy, up to a limit, and
 * given up when it has long not been needed.
 *
 * - M1: a server that takes no more connections makes a pool slower, not useless: who waits gets the
 *   next one that is free; a pool that has none asks for room once.
 *
 * @module
 */

import { ignoreRejection, inBackground } from "../base/background.ts";
import { Connection, type ConnectionOptions, Fault } from "./postgres_connection.ts";

/** Milliseconds after which a connection that nobody used is given up, unless it is the last. */
const IDLE_MS = 30_000;

/** Milliseconds until a server that took no more connections is asked for one again. */
const REFUSED_MS = 5_000;

/** SQLSTATEs of a server, a role or a pooler that takes no more connections. */
const NO_MORE = /^(53300|53400)$/;

/** What poolers say in place of a SQLSTATE. */
const NO_MORE_TEXT = /no more connections allowed|too many (clients|connections)|max.*clients/i;

/** What a pool needs. */
export interface PoolOptions extends ConnectionOptions {
  /** How many connections there may be. */
  readonly limit: number;
  /** Gives up connections of others (M1); `false`: there are none. */
  readonly makeRoom: () => Promise<boolean>;
}

interface Waiting {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Whether a connection was refused since there are too many.
 *
 * @param error What a pool threw.
 */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Fault)) return false;
  const { code, message } = error.cause as Error & { code?: string };
  return NO_MORE.test(code ?? "") || NO_MORE_TEXT.test(message ?? "");
}

/** Connections of one role. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #connections = new Set<Connection>();
  readonly #unused: { readonly connection: Connection; readonly since: number }[] = [];
  readonly #opening = new Set<Promise<void>>();
  #waiting: Waiting[] = [];
  #refusedUntil = 0;
  #isClosed = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * Connects to nothing yet.
   *
   * @param options How connections are made, and how many.
   */
  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * Uses a connection that nobody else uses meanwhile.
   *
   * @param work What to do with it.
   * @returns What `work` returned.
   */
  async use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const connection = await this.#take();
    try {
      return await work(connection);
    } finally {
      this.#giveBack(connection);
    }
  }

  /**
   * Gives up the connections that nobody uses.
   *
   * @returns How many there were.
   */
  async shrink(): Promise<number> {
    const unused = this.#unused.splice(0);
    await Promise.all(unused.map(({ connection }) => this.#end(connection)));
    return unused.length;
  }

  /** Ends it, after what its connections are at. */
  async end(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(closed());
    await Promise.all(this.#opening);
    await Promise.all([...this.#connections].map((connection) => this.#end(connection)));
  }

  #take(): Promise<Connection> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closed());
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const unused = this.#unused.pop();
      if (unused === undefined) break;
      if (!unused.connection.isLost) this.#waiting.shift()!.resolve(unused.connection);
    }
    // The first one is made alone: it shows whether there is room.
    const limit = this.#connections.size === 0 ? 1 : this.#options.limit;
    const room = limit - this.#connections.size - this.#opening.size;
    const isRefused = this.#connections.size > 0 && performance.now() < this.#refusedUntil; // M1
    const wanted = isRefused ? 0 : Math.min(room, this.#waiting.length - this.#opening.size);
    for (let made = 0; made < wanted; made++) this.#open();
  }

  #open(): void {
    const connecting = this.#connect().finally(() => {
      this.#opening.delete(opening);
      this.#serve();
    });
    const opening = inBackground(connecting, (error) => this.#waiting.shift()?.reject(error));
    this.#opening.add(opening);
  }

  async #connect(): Promise<void> {
    try {
      const connection = await Connection.open(this.#options);
      this.#connections.add(connection);
      inBackground(connection.lost, () => {
        this.#connections.delete(connection);
        this.#serve();
      });
      if (this.#isClosed) return;
      this.#timer ??= setInterval(() => this.#tidy(), IDLE_MS);
      this.#unused.push({ connection, since: performance.now() });
    } catch (error) {
      if (isFull(error)) {
        this.#refusedUntil = performance.now() + REFUSED_MS;
        if (this.#connections.size > 0 || await this.#options.makeRoom()) return; // M1
      }
      this.#waiting.shift()?.reject(error);
    }
  }

  #giveBack(connection: Connection): void {
    if (!connection.isLost && !this.#isClosed) {
      this.#unused.push({ connection, since: performance.now() });
    }
    this.#serve();
  }

  #tidy(): void {
    const before = performance.now() - IDLE_MS;
    while (this.#connections.size > 1 && (this.#unused[0]?.since ?? Infinity) < before) {
      const { connection } = this.#unused.shift()!;
      this.#connections.delete(connection);
      ignoreRejection(this.#end(connection));
    }
  }

  async #end(connection: Connection): Promise<void> {
    this.#connections.delete(connection);
    await connection.end();
  }
}

function closed(): Fault {
  return new Fault(new Error("it was closed"), false);
}
