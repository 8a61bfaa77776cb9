/**
 * Fast databases in memory. A process that needs many of them, as tests do, prepares one, keeps its
 * files, and starts the others from these files.
 *
 * @module
 */

import { PGlite } from "@electric-sql/pglite";
import type { DatabaseAdapter } from "../sql/driver.ts";
import { adapterOf } from "./driver.ts";

/** Postgres fills a segment of its log with zeros, and copies it with the files: 1 MB, not 16. */
const INITDB = ["--wal-segsize=1"];

/**
 * Without the databases that `create database` copies, the files are half as large. A database that
 * was started from such files has none.
 */
const WITHOUT_TEMPLATES = [
  "update pg_database set datistemplate = false, datallowconn = true",
  "drop database if exists template0",
  "drop database if exists template1",
];

let readFiles: (() => Promise<Blob>) | undefined;

/**
 * Lets this process start databases in memory from files.
 *
 * @param read Reads what an {@linkcode Image} made with the same release of PGlite.
 */
export function startFrom(read: () => Promise<Blob>): void {
  readFiles = read;
}

/** Makes a database in memory: empty, or from the files of {@linkcode startFrom}. */
export async function createInMemory(): Promise<PGlite> {
  if (readFiles !== undefined) return await PGlite.create({ loadDataDir: await readFiles() });
  return await PGlite.create({ initDbStartParams: INITDB });
}

/** Databases in memory that are all prepared in one way. Those after the first are copies of it. */
export class Image {
  readonly #prepare: (database: DatabaseAdapter) => Promise<void>;
  #files: Blob | undefined;

  /** @param prepare Prepares an empty database; settings of its session are not kept. */
  constructor(prepare: (database: DatabaseAdapter) => Promise<void>) {
    this.#prepare = prepare;
  }

  /**
   * Starts a prepared database.
   *
   * @throws What the preparation throws; the next call prepares another database.
   */
  async create(): Promise<PGlite> {
    if (this.#files !== undefined) return await PGlite.create({ loadDataDir: this.#files });
    const pg = await createInMemory();
    try {
      await this.#prepare(adapterOf("an image", () => Promise.resolve({ pg, close: noop })));
      for (const statement of WITHOUT_TEMPLATES) await pg.exec(statement);
      await pg.exec("deallocate all; checkpoint");
      this.#files = await pg.dumpDataDir("none");
      return pg;
    } catch (error) {
      await pg.close();
      throw error;
    }
  }

  /** Makes the files of a prepared database. */
  async files(): Promise<Blob> {
    const pg = await this.create();
    await pg.close();
    return this.#files!;
  }
}

const noop = () => Promise.resolve();
