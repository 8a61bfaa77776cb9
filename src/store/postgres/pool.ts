/**
 * Connections that are used by turns. A connection is made when all are busy, up to a limit, and
 * given up when it has not been needed for a while.
 *
 * - POOL-1: a server that gives no more connections makes a pool slower, not useless: who waits gets
 *   the next one that is free; a pool that has none asks others for room, and the server for some
 *   seconds.
 * - POOL-2: where one was lost, those at rest may be too, and not know it yet, and so may those that
 *   were just being made: none of them is asked.
 *
 * @module
 */

import { ignoreRejection, inBackground } from "../../base/background.ts";
import { Connection, type ConnectionOptions, Fault, NoSession } from "./connection.ts";

/** Milliseconds after which a connection that nobody used is given up, but for the rest. */
const IDLE_MS = 5_000;

/** Milliseconds for which a full server is asked again for a first connection, and between two times. */
const FULL_MS = { most: 4_000, pause: 500 };

/** Milliseconds until a server that gave no connection is asked for one again. */
const REFUSED_MS = 5_000;

/** SQLSTATEs of a server, a role or a pooler that takes no more connections. */
const NO_MORE = /^(53300|53400)$/;

/** What poolers say in place of a SQLSTATE. */
const NO_MORE_TEXT = /no more connections allowed|too many (clients|connections)|max.*clients/i;

/** What a pool needs. */
export interface PoolOptions extends ConnectionOptions {
  /** How many connections there may be. */
  readonly limit: number;
  /** The server is full: all give up what they can (POOL-1), most for a pool that has none; `false`: nothing. */
  readonly makeRoom: (isStarving: boolean) => Promise<boolean>;
  /** A connection was made that leads to a pooler. */
  readonly onPooler: () => void;
  /** Whether the server was full a while ago, so that one connection has to do. */
  readonly isNarrow: () => boolean;
  /** How many are kept though nobody uses them. */
  readonly rest: number;
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
  if (error.cause instanceof NoSession) return true;
  const { code, message } = error.cause as Error & { code?: string };
  return NO_MORE.test(code ?? "") || NO_MORE_TEXT.test(message ?? "");
}

/**
 * Adds to what a full server says how many connections are needed.
 *
 * @param fault What a full server said.
 */
export function tellNeeds({ cause }: Fault): void {
  cause.message += "; a node works with two connections, and uses up to ten";
}

/** Connections of one role. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #connections = new Set<Connection>();
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
   * Makes the first connection, if there is none yet.
   *
   * @throws {Fault} If it can't be made.
   */
  async warm(): Promise<void> {
    if (this.size === 0) await this.use(() => Promise.resolve());
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
   * Gives up the connections that nobody uses, but for the rest.
   *
   * @returns How many were given up.
   */
  async shrink(): Promise<number> {
    const most = Math.max(0, this.#connections.size - this.#options.rest);
    const unused = this.#unused.splice(0, most);
    await Promise.all(unused.map(({ connection }) => this.#end(connection)));
    return unused.length;
  }

  /** Ends it, after what its connections are at. */
  async end(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(closed());
    await Promise.all(this.#opening);
    for (const connection of this.#connections) ignoreRejection(this.#end(connection));
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
    // The first one is made alone: it shows whether there is room.
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
    try {
      const misses = this.#misses;
      const connection = await Connection.open(this.#options);
      this.#connections.add(connection);
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
      const isRoomMade = isServerFull && await this.#options.makeRoom(this.size === 0);
      if (this.#connections.size > 0 || isRoomMade) return; // POOL-1
      const now = performance.now();
      const since = refusedSince ?? now;
      if (isServerFull && now - since < FULL_MS.most) return await this.#again(since);
      if (isServerFull) tellNeeds(error as Fault);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    }
  }

  /** POOL-1. */
  async #again(refusedSince: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, FULL_MS.pause));
    if (!this.#isClosed) await this.#connect(refusedSince);
  }

  #giveBack(connection: Connection): void {
    this.#keep(connection);
    this.#serve();
  }

  /** POOL-2: not where it was ended here. */
  #miss(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#misses++;
    for (const { connection } of this.#unused.splice(0)) ignoreRejection(this.#end(connection));
  }

  #keep(connection: Connection): void {
    if (connection.isLost) return this.#miss(connection);
    if (this.#isClosed) return;
    if (this.#isSpare()) ignoreRejection(this.#end(connection));
    else this.#unused.push({ connection, since: performance.now() });
  }

  /** Whether a connection that nobody uses now is one too many. */
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
