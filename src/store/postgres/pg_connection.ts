/**
 * A connection over `npm:pg`.
 *
 * @module
 */

import { ignoreRejection } from "../../base/background.ts";
import pg from "pg";
import { isContinuumError } from "../../base/errors.ts";
import { clientOptions } from "./client.ts";
import {
  type Adjustment,
  adjustmentOf,
  Connection,
  Fault,
  type LinkOptions,
  NoSession,
  type Query,
  type Result,
} from "./connection.ts";
import { askOnce } from "./pg_inquiry.ts";
import { SERVER_INFO, type ServerInfo } from "./settings.ts";

/** The part of `npm:pg` that is used. */
interface Client {
  readonly processID: number | null;
  readonly connection: {
    readonly stream: { destroy(): void };
    readonly parsedStatements: Record<string, string>;
  };
  connect(): Promise<unknown>;
  query(query: Query): Promise<Result | readonly Result[]>;
  end(): Promise<void>;
  getTransactionStatus(): "I" | "T" | "E" | null;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "notification", listener: (message: { readonly payload?: string }) => void): void;
}

/** How to make the connections to one database. */
export interface ConnectionOptions extends LinkOptions {
  /** The URL of the database. */
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Receives the payloads of notifications. */
  readonly onNotification?: (payload: string) => void;
}

/** Milliseconds after which an attempt to connect fails. */
const CONNECT_MS = 10_000;

/** Milliseconds after which a connection that was accepted but not served fails. */
const SESSION_MS = 5_000;

/** A connection over `npm:pg`. */
export class PgConnection extends Connection {
  readonly #client: Client;
  readonly #url: string;

  /**
   * Connects, and adjusts the settings of the session.
   *
   * @param options How to connect.
   * @returns The connection.
   * @throws {DatabaseError} (`DATABASE_UNSUITABLE`) If the store can't work on the server.
   * @throws {Fault} If the connection can't be made.
   */
  static async open(options: ConnectionOptions): Promise<PgConnection> {
    const client = newClient(options);
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    ignoreRejection(failed);
    client.on("error", fail);
    client.on("end", () => fail(new Error("the connection was closed")));
    let late = setTimeout(() => fail(new Error("the server did not answer")), CONNECT_MS * 1.5);
    try {
      await Promise.race([client.connect(), failed]);
      clearTimeout(late);
      late = setTimeout(() => fail(unserved()), SESSION_MS);
      const [facts] = await Promise.race([client.query({ text: SERVER_INFO }), failed])
        .then((result) => (result as Result).rows as readonly ServerInfo[]);
      const processId = client.processID;
      const adjustment = adjustmentOf({ facts: facts!, processId }, options.role);
      const { set } = adjustment;
      if (set !== "") await Promise.race([client.query({ text: set }), failed]);
      return new PgConnection(client, options, adjustment);
    } catch (error) {
      client.connection.stream.destroy();
      throw isContinuumError(error) ? error : new Fault(legible(error as Error), false);
    } finally {
      clearTimeout(late);
    }
  }

  private constructor(client: Client, options: ConnectionOptions, adjustment: Adjustment) {
    super(options, adjustment);
    this.#client = client;
    this.#url = options.url;
    client.on("error", (error) => this.lose(error));
    client.on("end", () => this.lose(new Error("the connection was closed")));
    const { onNotification } = options;
    client.on("notification", ({ payload }) => onNotification?.(payload ?? ""));
  }

  protected override get isIdle(): boolean {
    return this.#client.getTransactionStatus() === "I";
  }

  override get pid(): number | null {
    return this.#client.processID;
  }

  protected override send(query: Query): Promise<Result | readonly Result[]> {
    return this.#client.query(query);
  }

  protected override isExecuting(signal: AbortSignal): Promise<boolean | null> {
    return askOnce(this.#url, this.pid!, signal);
  }

  /** The event `end` says when it is over. */
  protected override close(): Promise<unknown> {
    ignoreRejection(this.#client.end());
    return this.lost;
  }

  protected override drop(): void {
    this.#client.connection.stream.destroy();
  }

  /** As of `npm:pg`: `query(text, values)` or `query({ text, values, name })`. */
  override clientOf(guarded: <T>(ask: () => Promise<T>) => Promise<T>): unknown {
    return {
      query: (query: string | Query, values?: readonly unknown[]) => {
        const asked = typeof query === "string" ? { text: query } : query;
        return guarded(() => this.ask(values === undefined ? asked : { ...asked, values }));
      },
    };
  }

  override forget(name: string): void {
    delete this.#client.connection.parsedStatements[name];
  }
}

function unserved(): NoSession {
  return new NoSession(
    `the connection was accepted, but its first query was not answered within ${
      SESSION_MS / 1_000
    } s: a pooler may have no session left`,
  );
}

function newClient({ url, applicationName }: ConnectionOptions): Client {
  try {
    return new (pg as unknown as { Client: new (options: unknown) => Client }).Client({
      ...clientOptions(url, applicationName),
      connectionTimeoutMillis: CONNECT_MS,
    });
  } catch (error) {
    throw new Fault(error as Error, false); // a file that the URL names can't be read
  }
}

/** Replaces the error of `npm:pg` about a missing password by a readable one. */
function legible(error: Error): Error {
  return /client password must be a/.test(error.message)
    ? new Error("the server requires a password, but the URL has none", { cause: error })
    : error;
}
