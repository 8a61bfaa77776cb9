/**
 * One connection to Postgres, over `npm:pg`.
 *
 * - CONNECTION-1, no second life: a connection that was lost is never asked again, and nothing is asked of
 *   another one in its place: a transaction ends with its connection.
 * - CONNECTION-2, one at a time: a statement is sent when the one before has been answered.
 * - CONNECTION-3, no wait without a bound: a statement whose answer does not come is looked for on the
 *   server, over another connection (`inquiry.ts`); one that nobody works at loses its connection.
 *
 * @module
 */

import { ignoreRejection, inBackground } from "../../base/background.ts";
import pg from "pg";
import { isContinuumError } from "../../base/errors.ts";
import type { SqlValue } from "../sql/driver.ts";
import { clientOptions } from "./client.ts";
import { isWorkedAt } from "./inquiry.ts";
import { adjusting, type Role, SERVER_INFO, type ServerInfo, unsuitable } from "./settings.ts";

/** What of `npm:pg` is used. */
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
  on(event: "error", hear: (error: Error) => void): void;
  on(event: "end", hear: () => void): void;
  on(event: "notification", hear: (message: { readonly payload?: string }) => void): void;
}

/** A query, in the words of `npm:pg`. */
export interface Query {
  /** The statement, or the script. */
  readonly text: string;
  /** Its parameters. */
  readonly values?: readonly unknown[];
  /** Prepares it under that name. */
  readonly name?: string;
}

/** What a statement answered. */
export interface Result {
  /** Its rows. */
  readonly rows: readonly unknown[];
  /** What was done, in one word. */
  readonly command: string | null;
}

/** A connection could not be made, or was lost: not an answer of the server to a statement. */
export class Fault extends Error {
  /** What was said of it. */
  override readonly cause: Error;
  /** Whether the statement may have been carried out. */
  readonly mayBeWritten: boolean;

  /**
   * Keeps what was said.
   *
   * @param cause What was said of it.
   * @param mayBeWritten Whether the statement may have been carried out.
   */
  constructor(cause: Error, mayBeWritten: boolean) {
    super(cause.message);
    this.cause = cause;
    this.mayBeWritten = mayBeWritten;
  }
}

/** A connection was made, and nobody serves it: so poolers let those wait for whom they have no session. */
export class NoSession extends Error {
  /** Says what is the matter. */
  constructor() {
    super(
      `the connection was made, and its first question not answered in ${
        SESSION_MS / 1_000
      } s, as ` +
        "by a pooler that has no session left",
    );
  }
}

/** How connections of one database are made. */
export interface ConnectionOptions {
  /** The database. */
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** What the connection is for. */
  readonly role: Role;
  /** Milliseconds until an answer that has not come is looked for. */
  readonly answerMs: number;
  /** Hears notifications. */
  readonly onNotification?: (payload: string) => void;
}

/** Milliseconds until a connection that can't be made is given up. */
const CONNECT_MS = 10_000;

/** Milliseconds until a connection that was made, and that nobody serves, is given up. */
const SESSION_MS = 5_000;

/** Milliseconds that a connection has to say goodbye. */
const GOODBYE_MS = 1_000;

/** How many times `answerMs` an answer is waited for where nobody can tell whether it will come. */
const BOUND: Readonly<Record<Role["lane"], number>> = { engine: 6, user: 120 };

/** A connection. */
export class Connection {
  /** Whether a pooler stands between, so that no statement may count on the session of another. */
  readonly isPooled: boolean;
  /** Opens each transaction, and stands around each statement where it has to. */
  readonly prologue: string;
  /** Rejects when the connection is lost. */
  readonly lost: Promise<never>;
  readonly #client: Client;
  readonly #options: ConnectionOptions;
  readonly #needsPrologue: boolean;
  readonly #lose: (error: Error) => void;
  #turn: Promise<unknown> = Promise.resolve();
  #loss: Error | null = null;
  #isEnding = false;

  /**
   * Makes a connection, and sets what it needs.
   *
   * @param options How.
   * @returns The connection.
   * @throws {DatabaseUnsuitableError} If the server is none that the store can work on.
   * @throws {Fault} If it can't be made.
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const client = newClient(options);
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    ignoreRejection(failed);
    client.on("error", fail);
    client.on("end", () => fail(new Error("the connection was closed")));
    let late = setTimeout(() => fail(new Error("no answer")), CONNECT_MS * 1.5);
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
    // Each statement has to see what others have committed by then (NODE-1 of `store/nodes.ts`).
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

  /** Whether it can be asked no more. */
  get isLost(): boolean {
    return this.#loss !== null;
  }

  /** Whether no transaction is open on it. */
  get isFree(): boolean {
    return !this.isLost && this.#client.getTransactionStatus() === "I";
  }

  /** The server process's number; a pooler's invention behind one. */
  get pid(): number | null {
    return this.#client.processID;
  }

  /**
   * Runs one statement outside of a transaction.
   *
   * @param text The statement.
   * @param values Its parameters.
   * @param options Under which name to prepare it, and how long it may wait for a locked row.
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

  /** Sends a query, and gives its result; of a script one for each of its statements. */
  ask(query: Query): Promise<Result | readonly Result[]> {
    const asked = this.#turn.then(() => this.#send(query)); // CONNECTION-2
    this.#turn = inBackground(asked);
    return asked;
  }

  /** Forgets a statement that the server no longer knows, or knows otherwise. */
  forget(name: string): void {
    delete this.#client.connection.parsedStatements[name];
  }

  /** Gives it up at once. */
  destroy(why: string): void {
    this.#lose(new Error(why));
  }

  /** Ends it, after what it is at. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#turn;
    const over = this.lost.catch(() => {});
    ignoreRejection(this.#client.end());
    const timer = setTimeout(() => this.destroy("it did not end"), GOODBYE_MS);
    await over;
    clearTimeout(timer);
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

  /** CONNECTION-3. */
  #watch(): () => void {
    const { answerMs, role } = this.#options;
    let isOver = false;
    let looks = 0;
    const look = async () => {
      const isWorking = await this.#isWorkedAt();
      if (isOver) return;
      const isLost = isWorking === null ? ++looks >= BOUND[role.lane] : !isWorking;
      if (isLost) return this.destroy(`no answer came, and nobody works at one`);
      timer = setTimeout(look, answerMs);
    };
    let timer = setTimeout(look, answerMs);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  /** `null`: nobody knows. */
  async #isWorkedAt(): Promise<boolean | null> {
    if (this.isPooled || this.pid === null || this.#isEnding) return null;
    return await isWorkedAt(this.#options.url, this.pid);
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

/** Says in plain words what `npm:pg` says of a password that it was not given. */
function legible(error: Error): Error {
  return /client password must be a/.test(error.message)
    ? new Error("the server asks for a password, and the URL has none", { cause: error })
    : error;
}

function last(result: Result | readonly Result[]): Result {
  return Array.isArray(result) ? result.at(-1) : result as Result;
}
