/**
 * A pool of connections. It makes a connection when all are in use, up to a limit, and closes one
 * that has not been used for a while.
 *
 * - POOL-1, a full server: if the server refuses more connections, the pool becomes slower and
 *   stays usable: callers wait for the next free connection. A pool without any asks the other
 *   pools to close some, and keeps asking the server for some seconds.
 * - POOL-2, after a loss: when a connection is lost, all others that were made before may be lost
 *   too without a sign: unused ones, those that are being made, and those in use, once they are
 *   given back. None of them is used again, so a call that is repeated meets a new connection. If
 *   several fail while they are made, only the first fails a caller.
 *
 * @module
 */

import { ignoreRejection, inBackground } from "../../base/background.ts";
import { type Connection, Fault, NoSession } from "./connection.ts";

/** Milliseconds after which an unused connection is closed, except for `rest` of them. */
const IDLE_MS = 5_000;

/**
 * For how long a pool without connections keeps asking a full server, and the pause between tries,
 * in milliseconds.
 */
const FULL_MS = { most: 4_000, pause: 500 };

/** Milliseconds until a server that refused a connection is asked again. */
const REFUSED_MS = 5_000;

/** SQLSTATEs of a server, role or pooler that accepts no more connections. */
const NO_MORE = /^(53300|53400)$/;

/** Messages of poolers that send no such SQLSTATE. */
const NO_MORE_TEXT = /no more connections allowed|too many (clients|connections)|max.*clients/i;

/** Options of a pool. */
export interface PoolOptions {
  /** Makes a connection; it throws a {@linkcode Fault} if it can't. */
  readonly connect: () => Promise<Connection>;
  /** The maximum number of connections. */
  readonly limit: number;
  /**
   * Called when the server is full: all pools close the connections that they can spare (POOL-1),
   * and more if `isStarving`: this pool has none. Returns whether any was closed.
   */
  readonly makeRoom: (isStarving: boolean) => Promise<boolean>;
  /** Called when a connection leads to a pooler. */
  readonly onPooler: () => void;
  /** Whether the server was full recently, so that the pool must do with one connection. */
  readonly isNarrow: () => boolean;
  /** How many unused connections are kept. */
  readonly rest: number;
}

interface Waiting {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Whether the server refused a connection because there are too many.
 *
 * @param error The error that a pool threw.
 */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Fault)) return false;
  if (error.cause instanceof NoSession) return true;
  const { code, message } = error.cause as Error & { code?: string };
  return NO_MORE.test(code ?? "") || NO_MORE_TEXT.test(message ?? "");
}

/**
 * Adds to a full server's message how many connections a node needs.
 *
 * @param fault The refusal of a full server.
 */
export function addNeeds({ cause }: Fault): void {
  cause.message += "; a node needs two connections, and uses up to ten";
}

/** A pool of connections with one role. */
export class Pool {
  readonly #options: PoolOptions;
  /** Connections, with the number of losses before each was opened (POOL-2). */
  readonly #connections = new Map<Connection, number>();
  readonly #unused: { readonly connection: Connection; readonly since: number }[] = [];
  readonly #opening = new Set<Promise<void>>();
  readonly #ending = new Set<Promise<void>>();
  #waiting: Waiting[] = [];
  #refusedUntil = 0;
  /** How many connections were lost (POOL-2). */
  #misses = 0;
  #isClosed = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * Creates the pool; it makes no connection yet.
   *
   * @param options How to make connections, and how many.
   */
  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** The number of connections. */
  get size(): number {
    return this.#connections.size;
  }

  /**
   * Makes the first connection, if there is none.
   *
   * @throws {Fault} If it can't be made.
   */
  async warm(): Promise<void> {
    if (this.size === 0) await this.use(() => Promise.resolve());
  }

  /**
   * Uses a connection exclusively.
   *
   * @param work Receives the connection.
   * @returns The result of `work`.
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
   * Closes the unused connections, except for `rest` of them.
   *
   * @returns How many were closed.
   */
  async shrink(): Promise<number> {
    const most = Math.max(0, this.#connections.size - this.#options.rest);
    const unused = this.#unused.splice(0, most);
    await Promise.all(unused.map(({ connection }) => this.#end(connection)));
    return unused.length;
  }

  /** Closes the pool, after the statements that are under way. */
  async end(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(closed());
    await Promise.all(this.#opening);
    for (const connection of this.#connections.keys()) ignoreRejection(this.#end(connection));
    await Promise.all(this.#ending);
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
    // The first connection is made alone: it shows whether the server has room.
    const isOne = this.#connections.size === 0 || this.#options.isNarrow();
    const limit = isOne ? 1 : this.#options.limit;
    const room = limit - this.#connections.size - this.#opening.size;
    const isRefused = this.#connections.size > 0 && performance.now() < this.#refusedUntil; // POOL-1
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

  async #connect(refusedSince?: number): Promise<void> {
    const misses = this.#misses;
    try {
      const connection = await this.#options.connect();
      this.#connections.set(connection, misses);
      if (misses !== this.#misses) return void ignoreRejection(this.#end(connection)); // POOL-2
      inBackground(connection.lost, () => {
        this.#miss(connection);
        this.#serve();
      });
      if (this.#isClosed) return;
      this.#timer ??= setInterval(() => this.#tidy(), IDLE_MS / 5);
      if (connection.isPooled) this.#options.onPooler();
      this.#keep(connection);
    } catch (error) {
      this.#refusedUntil = performance.now() + REFUSED_MS;
      const isServerFull = isFull(error);
      if (!isServerFull) {
        if (misses !== this.#misses) return; // POOL-2: another one is made in its place
        this.#misses++;
      }
      const isRoomMade = isServerFull && await this.#options.makeRoom(this.size === 0);
      if (this.#connections.size > 0 || isRoomMade) return; // POOL-1
      const now = performance.now();
      const since = refusedSince ?? now;
      if (isServerFull && now - since < FULL_MS.most) return await this.#again(since);
      if (isServerFull) addNeeds(error as Fault);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    }
  }

  /** POOL-1: asks a full server again. */
  async #again(refusedSince: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, FULL_MS.pause));
    if (!this.#isClosed) await this.#connect(refusedSince);
  }

  #giveBack(connection: Connection): void {
    this.#keep(connection);
    this.#serve();
  }

  /** POOL-2: handles the loss of a connection, unless the pool itself closed it. */
  #miss(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#misses++;
    for (const { connection } of this.#unused.splice(0)) ignoreRejection(this.#end(connection));
  }

  #keep(connection: Connection): void {
    if (connection.isLost) return this.#miss(connection);
    if (this.#isClosed) return;
    const lossesBefore = this.#connections.get(connection);
    if (lossesBefore !== this.#misses) return void ignoreRejection(this.#end(connection)); // POOL-2
    if (this.#isSpare()) ignoreRejection(this.#end(connection));
    else this.#unused.push({ connection, since: performance.now() });
  }

  /** Whether an unused connection is one too many. */
  #isSpare(): boolean {
    const wanted = this.#waiting.length > 0 ? 1 : this.#options.rest;
    return this.#connections.size > wanted && this.#options.isNarrow();
  }

  #tidy(): void {
    const before = performance.now() - IDLE_MS;
    while (
      this.#connections.size > this.#options.rest && (this.#unused[0]?.since ?? Infinity) < before
    ) {
      ignoreRejection(this.#end(this.#unused.shift()!.connection));
    }
  }

  #end(connection: Connection): Promise<void> {
    this.#connections.delete(connection);
    const ending = connection.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
    return ending;
  }
}

function closed(): Fault {
  return new Fault(new Error("it was closed"), false);
}
