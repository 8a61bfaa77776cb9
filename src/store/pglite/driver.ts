/**
 * The driver for a PGlite database: one session, which all callers share in turns.
 *
 * - TURNS-1, no query outside the transaction: there is one session, so such a query would wait
 *   for itself.
 * - TURNS-2, fairness: a query runs in this thread and resolves within microtasks, so a loop of
 *   queries would block timers and all other work. Therefore each result waits for the next
 *   macrotask, as a result of a server does.
 * - TURNS-3, an orderly end: calls made before the driver closes are answered, and later calls are
 *   refused, even if another driver that shares the database keeps it open.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { Mutex, type PGlite } from "@electric-sql/pglite";
import type { DatabaseAdapter, SqlDriver, SqlSession, SqlValue } from "../sql/driver.ts";
import { DatabaseUnavailableError, nestedQuery } from "../errors.ts";
import { PreparedStatements } from "./prepared.ts";

/** A database in this process. */
export interface Database {
  readonly pg: PGlite;
  /** Closes it, and gives back what its owner holds. */
  close(): Promise<void>;
}

/**
 * Makes the adapter of one database. It can be opened several times: all share the database. The
 * last one to close closes it, and the next to open opens it anew.
 *
 * @param description Names it in errors.
 * @param openDatabase Opens it.
 */
export function adapterOf(
  description: string,
  openDatabase: () => Promise<Database>,
): DatabaseAdapter {
  let shared: { session: Promise<Session>; users: number } | null = null;
  return {
    description,
    async open() {
      shared ??= { session: openDatabase().then(sessionOn), users: 0 };
      const mine = shared;
      mine.users += 1;
      const leave = async () => {
        mine.users -= 1;
        if (mine.users > 0) return;
        if (shared === mine) shared = null;
        const session = await mine.session.catch(() => null);
        await session?.close();
      };
      try {
        return new PGliteDriver(await mine.session, description, leave, () => mine.users === 1);
      } catch (error) {
        await leave();
        throw error;
      }
    },
  };
}

interface Session extends Database {
  readonly prepared: PreparedStatements;
  /** Serializes calls: a statement must not become part of another caller's transaction. */
  readonly turns: Mutex;
}

function sessionOn({ pg, close }: Database): Session {
  return { pg, close, prepared: new PreparedStatements(pg), turns: new Mutex() };
}

const immediate: typeof setImmediate = setImmediate;

/** The methods that a database and a transaction have in common. */
type Queryable = Pick<PGlite, "query" | "exec">;

class PGliteDriver implements SqlDriver {
  /** A statement occupies this process until it ends. */
  readonly isUnstoppable = true;
  readonly #pg: PGlite;
  readonly #prepared: PreparedStatements;
  readonly #turns: Mutex;
  readonly #description: string;
  readonly #leave: () => Promise<void>;
  readonly #isAlone: () => boolean;
  readonly #listeners = new Set<() => Promise<void>>();
  #closing: Promise<void> | null = null;

  constructor(
    session: Session,
    description: string,
    leave: () => Promise<void>,
    isAlone: () => boolean,
  ) {
    this.#description = description;
    this.#pg = session.pg;
    this.#prepared = session.prepared;
    this.#turns = session.turns;
    this.#leave = leave;
    this.#isAlone = isAlone;
  }

  get exclusive(): boolean {
    return this.#isAlone();
  }

  /** With a single session, no other session can lock a row. */
  get impatient(): SqlSession {
    return this;
  }

  async query<Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
    const rows = await this.#inTurn(() => this.#prepared.query<Row>(text, values));
    await new Promise((resolve) => void immediate(resolve)); // TURNS-2
    return rows;
  }

  async script(text: string): Promise<void> {
    await this.#inTurn(() => this.#pg.exec(text));
  }

  async transaction<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result> {
    return await this.#inTurn(() =>
      this.#pg.transaction(async (transaction) => {
        const frame = { pg: this.#pg, open: true };
        try {
          return await inside.run(frame, () => work(sessionOf(transaction)));
        } finally {
          frame.open = false;
        }
      })
    );
  }

  async listen(channel: string, onPayload: (payload: string) => void): Promise<
    () => Promise<void>
  > {
    const unlisten = await this.#inTurn(() => this.#pg.listen(channel, onPayload));
    const end = async () => {
      if (this.#listeners.delete(end)) await this.#turns.runExclusive(() => unlisten());
    };
    this.#listeners.add(end);
    return end;
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    for (const end of this.#listeners) await end();
    await this.#turns.runExclusive(() => this.#leave()); // after all calls that were made before
  }

  /** Runs a call after those before it (TURNS-1, TURNS-3). */
  async #inTurn<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    refuseInside(this.#pg);
    if (this.#closing !== null) {
      throw new DatabaseUnavailableError(this.#description, new Error("it was closed"), false);
    }
    return await this.#turns.runExclusive(ask);
  }
}

/** TURNS-1: the transaction whose callback runs in this asynchronous context, if any. */
const inside = new AsyncLocalStorage<{ readonly pg: PGlite; open: boolean }>();

function refuseInside(pg: PGlite): void {
  const frame = inside.getStore();
  if (frame?.open && frame.pg === pg) throw nestedQuery();
}

function sessionOf(queryable: Queryable): SqlSession {
  return {
    client: queryable,
    query: (text, values = []) => queryOn(queryable, text, values),
    script: async (text) => {
      await queryable.exec(text);
    },
  };
}

async function queryOn<Row>(
  queryable: Queryable,
  text: string,
  values: readonly SqlValue[],
): Promise<Row[]> {
  return (await queryable.query<Row>(text, [...values])).rows;
}
