/**
 * One connection to Postgres, over `npm:pg`.
 *
 * - CONNECTION-1, never replaced: after a connection is lost, it executes nothing, and no other
 *   connection executes its statements: a transaction ends with its connection.
 * - CONNECTION-2, one at a time: a statement is sent after the previous one has been answered.
 * - CONNECTION-3, bounded waiting: if a statement's answer does not come, another connection asks
 *   the server for the statement (`inquiry.ts`). If no server process executes it, the connection
 *   is lost. The inquiry ends with the statement, and closing the connection waits for that.
 *
 * @module
 */

import { ignoreRejection, inBackground } from "../../base/background.ts";
import pg from "pg";
import { isContinuumError } from "../../base/errors.ts";
import type { SqlValue } from "../sql/driver.ts";
import { clientOptions } from "./client.ts";
import { isExecuting } from "./inquiry.ts";
import { adjusting, type Role, SERVER_INFO, type ServerInfo, unsuitable } from "./settings.ts";

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

/** A query, with the names of `npm:pg`. */
export interface Query {
  /** The statement, or the script. */
  readonly text: string;
  /** Its parameters. */
  readonly values?: readonly unknown[];
  /** If set, the statement is prepared under this name. */
  readonly name?: string;
}

/** The result of a statement. */
export interface Result {
  /** Its rows. */
  readonly rows: readonly unknown[];
  /** The command tag's first word. */
  readonly command: string | null;
}

/** The connection could not be made, or was lost: not an error of the server about a statement. */
export class Fault extends Error {
  /** The driver's error. */
  override readonly cause: Error;
  /** Whether the statement may have been carried out. */
  readonly mayBeWritten: boolean;

  /**
   * Creates the error.
   *
   * @param cause The driver's error.
   * @param mayBeWritten Whether the server may have carried out the statement.
   */
  constructor(cause: Error, mayBeWritten: boolean) {
    super(cause.message);
    this.cause = cause;
    this.mayBeWritten = mayBeWritten;
  }
}

/** A connection was accepted, but not served: a pooler does so when it has no session left. */
export class NoSession extends Error {
  /** Creates the error. */
  constructor() {
    super(
      `the connection was accepted, but its first query was not answered within ${
        SESSION_MS / 1_000
      } s: a pooler may have no session left`,
    );
  }
}

/** How to make the connections to one database. */
export interface ConnectionOptions {
  /** The URL of the database. */
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** What the connection is for. */
  readonly role: Role;
  /** Milliseconds without an answer until the server is asked whether it executes the statement. */
  readonly answerMs: number;
  /** Receives the payloads of notifications. */
  readonly onNotification?: (payload: string) => void;
}

/** Milliseconds after which an attempt to connect fails. */
const CONNECT_MS = 10_000;

/** Milliseconds after which a connection that was accepted but not served fails. */
const SESSION_MS = 5_000;

/** Milliseconds that a connection has to close in order. */
const GOODBYE_MS = 1_000;

/**
 * The limit of waiting, in multiples of `answerMs`, if the server can't say whether it executes the
 * statement.
 */
const BOUND: Readonly<Record<Role["lane"], number>> = { engine: 6, user: 120 };

/** A connection. */
export class Connection {
  /** Whether a pooler is in between, so that each statement may run in another session. */
  readonly isPooled: boolean;
  /** The script that opens each transaction, and wraps single statements if they need settings. */
  readonly prologue: string;
  /** Rejects when the connection is lost. */
  readonly lost: Promise<never>;
  readonly #client: Client;
  readonly #options: ConnectionOptions;
  readonly #needsPrologue: boolean;
  readonly #lose: (error: Error) => void;
  #turn: Promise<unknown> = Promise.resolve();
  /** The last inquiry (CONNECTION-3). */
  #inquiry: Promise<unknown> = Promise.resolve();
  #loss: Error | null = null;
  #isEnding = false;

  /**
   * Connects, and adjusts the settings of the session.
   *
   * @param options How to connect.
   * @returns The connection.
   * @throws {DatabaseError} (`DATABASE_UNSUITABLE`) If the store can't work on the server.
   * @throws {Fault} If the connection can't be made.
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const client = newClient(options);
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    ignoreRejection(failed);
    client.on("error", fail);
    client.on("end", () => fail(new Error("the connection was closed")));
    let late = setTimeout(() => fail(new Error("the server did not answer")), CONNECT_MS * 1.5);
    try {
      await Promise.race([client.connect(), failed]);
      clearTimeout(late);
      late = setTimeout(() => fail(new NoSession()), SESSION_MS);
      const [facts] = await Promise.race([client.query({ text: SERVER_INFO }), failed])
        .then((result) => (result as Result).rows as readonly ServerInfo[]);
      const fault = unsuitable(facts!);
      if (fault !== null) throw fault;
      const isPooled = facts!.pid !== client.processID;
      const { set, local } = adjusting(facts!, options.role);
      if (!isPooled && set !== "") await Promise.race([client.query({ text: set }), failed]);
      return new Connection(client, options, isPooled, isPooled ? local : "");
    } catch (error) {
      client.connection.stream.destroy();
      throw isContinuumError(error) ? error : new Fault(legible(error as Error), false);
    } finally {
      clearTimeout(late);
    }
  }

  private constructor(
    client: Client,
    options: ConnectionOptions,
    isPooled: boolean,
    local: string,
  ) {
    this.#client = client;
    this.#options = options;
    this.isPooled = isPooled;
    // Each statement must see what others have committed before it (NODE-1 of `store/nodes.ts`).
    this.prologue = `begin isolation level read committed;${local}`;
    this.#needsPrologue = local !== "";
    const { promise, reject } = Promise.withResolvers<never>();
    ignoreRejection(promise);
    this.lost = promise;
    this.#lose = (error) => {
      if (this.#loss !== null) return;
      this.#loss = error;
      reject(error);
      client.connection.stream.destroy();
    };
    client.on("error", this.#lose);
    client.on("end", () => this.#lose(new Error("the connection was closed")));
    const { onNotification } = options;
    client.on("notification", ({ payload }) => onNotification?.(payload ?? ""));
  }

  /** Whether the connection is lost: it executes nothing any more. */
  get isLost(): boolean {
    return this.#loss !== null;
  }

  /** Whether no transaction is open on it. */
  get isFree(): boolean {
    return !this.isLost && this.#client.getTransactionStatus() === "I";
  }

  /** The process id of the server process; behind a pooler, an arbitrary number. */
  get pid(): number | null {
    return this.#client.processID;
  }

  /**
   * Runs one statement outside of a transaction.
   *
   * @param text The statement.
   * @param values Its parameters.
   * @param options The name to prepare it under, and how long it may wait for a locked row.
   * @returns Its rows.
   */
  async query<Row>(
    text: string,
    values: readonly SqlValue[],
    options: { readonly name?: string | undefined; readonly lockMs?: number } = {},
  ): Promise<Row[]> {
    const { name, lockMs } = options;
    const query = { text, values, ...(name && { name }) };
    if (!this.#needsPrologue && lockMs === undefined) {
      return last(await this.ask(query)).rows as Row[];
    }
    const timeout = lockMs === undefined ? "" : `set local lock_timeout = ${lockMs};`;
    await this.script(this.prologue + timeout);
    try {
      const { rows } = last(await this.ask(query));
      await this.script("commit");
      return rows as Row[];
    } catch (error) {
      await this.script("rollback").catch(this.#lose);
      throw error;
    }
  }

  /** Sends a script of several statements. */
  async script(text: string): Promise<Result> {
    return last(await this.ask({ text }));
  }

  /** Sends a query, and returns its result; for a script, one result for each statement. */
  ask(query: Query): Promise<Result | readonly Result[]> {
    const asked = this.#turn.then(() => this.#send(query)); // CONNECTION-2
    this.#turn = inBackground(asked);
    return asked;
  }

  /** Discards a prepared statement that the server does not know, or knows with another text. */
  forget(name: string): void {
    delete this.#client.connection.parsedStatements[name];
  }

  /** Closes the connection at once. */
  destroy(why: string): void {
    this.#lose(new Error(why));
  }

  /** Closes the connection after the statements that are under way. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#turn;
    const over = this.lost.catch(() => {});
    ignoreRejection(this.#client.end());
    const timer = setTimeout(() => this.destroy("it did not close in time"), GOODBYE_MS);
    await over;
    clearTimeout(timer);
    await this.#inquiry;
  }

  async #send(query: Query): Promise<Result | readonly Result[]> {
    if (this.#loss !== null) throw new Fault(this.#loss, false); // CONNECTION-1
    const stopWatching = this.#watch();
    try {
      return await Promise.race([this.#client.query(query), this.lost]);
    } catch (error) {
      const { severity } = error as { severity?: string };
      if (severity === "FATAL" || severity === "PANIC") this.#lose(error as Error);
      else if (severity !== undefined) throw error;
      throw new Fault(this.#loss ?? error as Error, true);
    } finally {
      stopWatching();
    }
  }

  /** CONNECTION-3: watches for an answer; returns the function that ends the watch. */
  #watch(): () => void {
    const { answerMs, role } = this.#options;
    const over = new AbortController();
    let looks = 0;
    const look = async () => {
      const inquiry = this.#isExecuting(over.signal);
      this.#inquiry = inBackground(inquiry);
      const isAtWork = await inquiry;
      if (over.signal.aborted) return;
      const isLost = isAtWork === null ? ++looks >= BOUND[role.lane] : !isAtWork;
      if (isLost) {
        return this.destroy(
          "the server has not answered, and is not known to be executing the statement",
        );
      }
      timer = setTimeout(look, answerMs);
    };
    let timer = setTimeout(look, answerMs);
    return () => {
      over.abort();
      clearTimeout(timer);
    };
  }

  /** Whether the server executes the statement; `null`: unknown. */
  async #isExecuting(signal: AbortSignal): Promise<boolean | null> {
    if (this.isPooled || this.pid === null || this.#isEnding) return null;
    return await isExecuting(this.#options.url, this.pid, signal);
  }
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

function last(result: Result | readonly Result[]): Result {
  return Array.isArray(result) ? result.at(-1) : result as Result;
}
