/**
 * One connection to Postgres, over any driver.
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
import type { SqlValue } from "../sql/driver.ts";
import { foreignSettings, type Settings } from "../sql/own_settings.ts";
import { adjusting, type Role, type ServerInfo, unsuitable } from "./settings.ts";

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

/** A connection was not served: a server, a pooler or a pool has no session left. */
export class NoSession extends Error {}

/** What a connection is for, and how long it waits. */
export interface LinkOptions {
  /** What the connection is for. */
  readonly role: Role;
  /** Milliseconds without an answer until the server is asked whether it executes the statement. */
  readonly answerMs: number;
}

/** What the server reports, and what the driver received when it connected. */
export interface Session {
  /** What the server reports. */
  readonly facts: ServerInfo;
  /** The process id that the driver received; `null` or `undefined`: none. */
  readonly processId: number | null | undefined;
}

/** How a connection's session is adjusted. */
export interface Adjustment {
  /** Whether a pooler is in between, so that each statement may run in another session. */
  readonly isPooled: boolean;
  /** Sets what has to be set for the session; empty if nothing has to. */
  readonly set: string;
  /** The script that opens each transaction. */
  readonly prologue: string;
  /** Whether single statements need the prologue, too. */
  readonly isPrologueNeeded: boolean;
  /** Settings of transactions that change what the store's statements mean. */
  readonly foreign: Settings | undefined;
}

/** Milliseconds that a connection has to close in order. */
const GOODBYE_MS = 1_000;

/**
 * The limit of waiting, in multiples of `answerMs`, if the server can't say whether it executes the
 * statement.
 */
const BOUND: Readonly<Record<Role["lane"], number>> = { engine: 6, user: 120 };

/**
 * Decides what a new session needs.
 *
 * @param session The session.
 * @param role The purpose of the connection.
 * @returns What to set, and when.
 * @throws {DatabaseError} (`DATABASE_UNSUITABLE`) If the store can't work on the server.
 */
export function adjustmentOf({ facts, processId }: Session, role: Role): Adjustment {
  const fault = unsuitable(facts);
  if (fault !== null) throw fault;
  const isPooled = facts.pid !== processId;
  const { set, local } = adjusting(facts, role);
  return {
    isPooled,
    set: isPooled ? "" : set,
    // Each statement must see what others have committed before it (NODE-1 of `store/nodes.ts`).
    prologue: `begin isolation level read committed;${isPooled ? local : ""}`,
    isPrologueNeeded: isPooled && local !== "",
    foreign: role.lane === "user" ? foreignSettings(pathOf(facts)) : undefined,
  };
}

/** What a user's session keeps of the role's settings (SESSION-1). */
function pathOf({ settings: { search_path: path } }: ServerInfo): Settings {
  return path === undefined ? {} : { search_path: path };
}

/** A connection. */
export abstract class Connection {
  /** Whether a pooler is in between, so that each statement may run in another session. */
  readonly isPooled: boolean;
  /** The script that opens each transaction, and wraps single statements if they need settings. */
  readonly prologue: string;
  /** Settings of transactions that change what the store's statements mean. */
  readonly foreign: Settings | undefined;
  /** Rejects when the connection is lost. */
  readonly lost: Promise<never>;
  readonly #options: LinkOptions;
  readonly #isPrologueNeeded: boolean;
  readonly #reject: (error: Error) => void;
  #turn: Promise<unknown> = Promise.resolve();
  /** The last inquiry (CONNECTION-3). */
  #inquiry: Promise<unknown> = Promise.resolve();
  #loss: Error | null = null;
  #isEnding = false;

  /**
   * @param options What it is for.
   * @param adjustment How its session was adjusted.
   */
  constructor(options: LinkOptions, { isPooled, prologue, isPrologueNeeded, foreign }: Adjustment) {
    this.#options = options;
    this.isPooled = isPooled;
    this.prologue = prologue;
    this.foreign = foreign;
    this.#isPrologueNeeded = isPrologueNeeded;
    const { promise, reject } = Promise.withResolvers<never>();
    ignoreRejection(promise);
    this.lost = promise;
    this.#reject = reject;
  }

  /** Whether no transaction is open in the session, as far as the driver knows. */
  protected abstract get isIdle(): boolean;

  /** The process id of the server process; behind a pooler, an arbitrary number. */
  abstract get pid(): number | null;

  /**
   * Sends a query to the server. An error of the server has a `severity`.
   *
   * @param query The query.
   * @returns Its result; for a script, that of each statement, or of the last one.
   */
  protected abstract send(query: Query): Promise<Result | readonly Result[]>;

  /**
   * Asks the server over another connection whether it executes a statement of this one.
   *
   * @param signal Aborted when the answer is of no use any more.
   * @returns Whether it does; `null`: unknown.
   */
  protected abstract isExecuting(signal: AbortSignal): Promise<boolean | null>;

  /** Closes the session in order; what it returns, and its failure, may come late. */
  protected abstract close(): Promise<unknown>;

  /** Drops the session, which is lost. */
  protected abstract drop(): void;

  /**
   * What `ctx.transaction` passes to its callback as `client`.
   *
   * @param guarded Makes a call of the driver, unless the transaction has ended.
   * @returns The driver's own transaction, or what stands for it.
   */
  abstract clientOf(guarded: <T>(ask: () => Promise<T>) => Promise<T>): unknown;

  /** Discards a prepared statement that the server does not know, or knows with another text. */
  forget(_name: string): void {}

  /** Whether the connection is lost: it executes nothing any more. */
  get isLost(): boolean {
    return this.#loss !== null;
  }

  /** Whether no transaction is open on it. */
  get isFree(): boolean {
    return !this.isLost && this.isIdle;
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
    if (!this.#isPrologueNeeded && lockMs === undefined) {
      return last(await this.ask(query)).rows as Row[];
    }
    const timeout = lockMs === undefined ? "" : `set local lock_timeout = ${lockMs};`;
    await this.script(this.prologue + timeout);
    try {
      const { rows } = last(await this.ask(query));
      await this.script("commit");
      return rows as Row[];
    } catch (error) {
      await this.script("rollback").catch((failure) => this.lose(failure));
      throw error;
    }
  }

  /** Sends a script of several statements. */
  async script(text: string): Promise<Result> {
    return last(await this.ask({ text }));
  }

  /** Sends a query, and returns its result; for a script, one result for each statement. */
  ask(query: Query): Promise<Result | readonly Result[]> {
    return this.inTurn(() => this.send(query));
  }

  /**
   * Makes a call of the driver in its turn (CONNECTION-2).
   *
   * @param call The call.
   * @returns What it returns.
   */
  protected inTurn<T>(call: () => Promise<T>): Promise<T> {
    const asked = this.#turn.then(() => this.#watched(call));
    this.#turn = inBackground(asked);
    return asked;
  }

  /** The connection is lost, for that reason. */
  protected lose(error: Error): void {
    if (this.#loss !== null) return;
    this.#loss = error;
    this.#reject(error);
    this.drop();
  }

  /** Closes the connection at once. */
  destroy(why: string): void {
    this.lose(new Error(why));
  }

  /** Closes the connection after the statements that are under way. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#turn;
    const over = this.lost.catch(() => {});
    const closed = this.isLost ? over : this.close();
    const timer = setTimeout(() => this.destroy("it did not close in time"), GOODBYE_MS);
    await Promise.race([over, inBackground(closed)]);
    clearTimeout(timer);
    await this.#inquiry;
  }

  async #watched<T>(call: () => Promise<T>): Promise<T> {
    if (this.#loss !== null) throw new Fault(this.#loss, false); // CONNECTION-1
    const stopWatching = this.#watch();
    try {
      return await Promise.race([call(), this.lost]);
    } catch (error) {
      const { severity } = error as { severity?: string };
      if (severity === "FATAL" || severity === "PANIC") this.lose(error as Error);
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
      const isAsked = !this.isPooled && this.pid !== null && !this.#isEnding;
      const inquiry = isAsked ? this.isExecuting(over.signal) : Promise.resolve(null);
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
}

function last(result: Result | readonly Result[]): Result {
  return Array.isArray(result) ? result.at(-1) : result as Result;
}
