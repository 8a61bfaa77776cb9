/**
 * A client of `npm:postgres` that outlives its connections.
 *
 * Two faults of version 3.4.9 make one necessary. A statement that is written while its connection
 * closes stays in the connection's buffer, which then is never sent again: what the client gives to
 * that connection later is never answered. And a transaction goes on with its connection after the
 * loss: its next statement throws where nobody can catch it, which ends the process, or runs outside
 * of any transaction if the connection is back by then.
 *
 * - C1, no second life: when one connection of a client is lost, the client is retired. What it is
 *   at has a second to end, the next statement makes a new client.
 * - C2, a lost transaction stays lost: whatever is asked of its connection is refused.
 *
 * @module
 */

import connect from "postgres";

type Client = ReturnType<typeof connect>;

type Options = NonNullable<Parameters<typeof connect>[1]>;

/** A connection as the client's own parts see it. */
interface Connection {
  readonly id: number;
  execute(query: { reject(reason: unknown): void }): unknown;
}

type Unsafe = (text: string, values?: unknown[], options?: Hooks) => unknown;

interface Hooks {
  /** Given the connection of a transaction, when that begins. */
  readonly onexecute?: (connection: Connection) => unknown;
}

/** Seconds that statements have to end when their client is retired. */
const RETIREMENT = 1;

/** Seconds until a connection that can't be made is given up. */
const CONNECT_TIMEOUT = 10;

/** A client, and the statements that wait for it. */
interface Line {
  readonly client: Client;
  readonly waiting: Set<(reason: Error) => void>;
}

/** A client, and those that it replaces. */
export class LastingClient {
  readonly #url: string;
  readonly #options: Options;
  readonly #retiring = new Set<Promise<void>>();
  #line: Line | null = null;

  /**
   * Connects to nothing yet.
   *
   * @param url The database.
   * @param options The client's options.
   */
  constructor(url: string, options: Options) {
    this.#url = url;
    this.#options = options;
  }

  /**
   * Asks the client.
   *
   * @param ask What of it: a statement, or a transaction.
   * @returns The answer; it comes, or fails, whatever becomes of the connections.
   */
  ask<Answer>(ask: (client: Client) => PromiseLike<Answer>): Promise<Answer> {
    const { client, waiting } = this.#line ??= this.#open();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    waiting.add(reject);
    const over = () => void waiting.delete(reject);
    ask(client).then((answer) => (over(), resolve(answer)), (error) => (over(), reject(error)));
    return promise;
  }

  /** Ends it, after what it is at. */
  async end(): Promise<void> {
    if (this.#line !== null) this.#retire(this.#line);
    await Promise.all(this.#retiring);
  }

  #open(): Line {
    const pinned = new Map<number, Connection>();
    const client: Client = connect(this.#url, {
      ...this.#options,
      connect_timeout: CONNECT_TIMEOUT,
      max_lifetime: null, // its end would look like a loss
      onclose: (id) => {
        const connection = pinned.get(id);
        if (connection !== undefined) connection.execute = refuse; // C2
        this.#retire(line);
        this.#options.onclose?.(id);
      },
    });
    notePinned(client as unknown as { unsafe: Unsafe }, pinned);
    const line: Line = { client, waiting: new Set() };
    return line;
  }

  /** C1. A client that has ended still holds what none of its connections took. */
  #retire(line: Line): void {
    if (line !== this.#line) return;
    this.#line = null;
    const retiring = line.client.end({ timeout: RETIREMENT }).finally(() => {
      for (const reject of line.waiting) reject(lost());
      this.#retiring.delete(retiring);
    });
    this.#retiring.add(retiring);
  }
}

/** The client begins its transactions by its own `unsafe`, which learns of their connections. */
function notePinned(client: { unsafe: Unsafe }, pinned: Map<number, Connection>): void {
  const { unsafe } = client;
  client.unsafe = (text, values, options = {}) => {
    const { onexecute } = options;
    if (onexecute === undefined) return unsafe(text, values, options);
    return unsafe(text, values, {
      ...options,
      onexecute(connection) {
        pinned.set(connection.id, connection);
        return onexecute(connection);
      },
    });
  };
}

function refuse(query: { reject(reason: unknown): void }): true {
  query.reject(lost());
  return true;
}

function lost(): Error {
  return Object.assign(new Error("the connection was lost"), { code: "CONNECTION_CLOSED" });
}
