/**
 * The adapter for PGlite: Postgres in this process, in a folder or in memory.
 *
 * - PGLITE-1, one owner: two processes that use one folder would corrupt it. A lock of the
 *   operating system on `<folder>/lock` prevents that; it ends with the process, even if that
 *   crashes. The database is in `<folder>/data`; nothing outside of the folder is written.
 * - PGLITE-2, no query outside the transaction: there is one session, so such a query would wait
 *   for itself.
 * - PGLITE-3, fairness: a query runs in this thread and resolves within microtasks, so a loop of
 *   queries would block timers and all other work. Therefore each result waits for the next
 *   macrotask, as a result of a server does.
 * - PGLITE-4, an orderly end: calls made before the driver closes are answered, and later calls are
 *   refused, even if another driver that shares the database keeps it open.
 *
 * ```ts
 * import { pglite } from "@continuum/continuum/pglite";
 *
 * const database = pglite("./data");
 * ```
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { join, resolve } from "node:path";
import { Mutex, PGlite } from "@electric-sql/pglite";
import type { DatabaseAdapter, SqlDriver, SqlSession, SqlValue } from "../sql/driver.ts";
import { databaseInUse, DatabaseUnavailableError, nestedQuery } from "../errors.ts";
import { createInMemory } from "./image.ts";
import { PreparedStatements } from "./prepared.ts";

/**
 * A database in this process. One adapter can be opened several times: all share the database. The
 * last one to close closes it, and a database in memory is then lost.
 *
 * @param folder The folder that contains it, relative to the working directory; `null`: in memory.
 * @returns A value for option `database`. Opening it throws {@linkcode DatabaseError} if the
 * folder is open already, through another adapter or in another process.
 */
export function pglite(folder: string | null): DatabaseAdapter {
  let shared: { database: Promise<Database>; users: number } | null = null;
  const description = folder === null ? "memory:" : `pglite:${folder}`;
  return {
    description,
    async open() {
      shared ??= { database: openDatabase(folder), users: 0 };
      const mine = shared;
      mine.users += 1;
      const leave = async () => {
        mine.users -= 1;
        if (mine.users > 0) return;
        if (shared === mine) shared = null;
        const database = await mine.database.catch(() => null);
        await database?.close();
      };
      try {
        return new PGliteDriver(await mine.database, description, leave, () => mine.users === 1);
      } catch (error) {
        await leave();
        throw error;
      }
    },
  };
}

interface Database {
  readonly pg: PGlite;
  readonly prepared: PreparedStatements;
  /** Serializes calls: a statement must not become part of another caller's transaction. */
  readonly turns: Mutex;
  close(): Promise<void>;
}

async function openDatabase(folder: string | null): Promise<Database> {
  if (folder === null) {
    const pg = await createInMemory();
    return databaseOf(pg, () => pg.close());
  }
  const path = resolve(folder);
  const lock = await lockFolder(path, folder);
  try {
    const pg = await PGlite.create(join(path, "data"));
    return databaseOf(pg, () => pg.close().finally(() => unlock(lock)));
  } catch (error) {
    unlock(lock);
    throw error;
  }
}

function databaseOf(pg: PGlite, close: () => Promise<void>): Database {
  return { pg, prepared: new PreparedStatements(pg), turns: new Mutex(), close };
}

/** PGLITE-1: locks the folder. */
async function lockFolder(path: string, folder: string): Promise<Deno.FsFile> {
  await Deno.mkdir(path, { recursive: true });
  const file = await Deno.open(join(path, "lock"), { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw databaseInUse(folder);
}

/**
 * Unlocks the folder. Closing the file does not always: a process that was just being started may
 * have a copy of it until its program begins.
 */
function unlock(lock: Deno.FsFile): void {
  try {
    lock.unlockSync();
  } finally {
    lock.close();
  }
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
    database: Database,
    description: string,
    leave: () => Promise<void>,
    isAlone: () => boolean,
  ) {
    this.#description = description;
    this.#pg = database.pg;
    this.#prepared = database.prepared;
    this.#turns = database.turns;
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
    await new Promise((resolve) => void immediate(resolve)); // PGLITE-3
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

  /** Runs a call after those before it (PGLITE-2, PGLITE-4). */
  async #inTurn<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    refuseInside(this.#pg);
    if (this.#closing !== null) {
      throw new DatabaseUnavailableError(this.#description, new Error("it was closed"), false);
    }
    return await this.#turns.runExclusive(ask);
  }
}

/** PGLITE-2: the transaction whose callback runs in this asynchronous context, if any. */
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
