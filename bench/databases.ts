/**
 * Databases to measure on: each measurement has one of its own.
 *
 * @module
 */

import postgres from "postgres";
import type { DatabaseAdapter } from "../src/store/sql/driver.ts";
import { pglite } from "../src/store/pglite/mod.ts";
import { type Counters, counters, processorMs, type Sql } from "./measure.ts";

/** An empty database. Disposing of it removes it. */
export interface BenchDatabase extends AsyncDisposable {
  /** Which kind. */
  readonly kind: "postgres" | "pglite" | "memory";
  /** For the options of `Continuum.open`. */
  readonly options: { readonly database: string | DatabaseAdapter; readonly schema: string };
  /** What there is only on a server. */
  readonly server?: {
    /** The database. */
    readonly url: string;
    /** What has been counted; no session may be open. */
    counters(): Promise<Counters>;
    /** Writes everything out, so that no checkpoint falls into the measurement. */
    checkpoint(): Promise<void>;
    /** Opens a session. */
    session(): Sql;
  };
  /** Milliseconds of processor time of the server so far; NaN where it is not known. */
  serverMs(): number;
}

/** Makes databases. */
export interface BenchDatabases extends AsyncDisposable {
  /** Which kind. */
  readonly kind: BenchDatabase["kind"];
  /** The database's release. */
  readonly release: string;
  /** Makes one. */
  fresh(): Promise<BenchDatabase>;
}

/** Makes databases on a server. */
export async function postgresDatabases(url: string): Promise<BenchDatabases> {
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  const [about] = await admin`select current_setting('server_version') as release`;
  const postmaster = await pidOf(admin);
  const session = (database: string) =>
    postgres(urlOf(url, database), { max: 1, fetch_types: false, onnotice() {} });
  let made = 0;
  return {
    kind: "postgres",
    release: `Postgres ${String(about?.release).split(" ")[0]}`,
    async fresh() {
      const name = `continuum_bench_${Deno.pid}_${made++}`;
      await admin.unsafe(`create database ${name}`);
      return {
        kind: "postgres",
        options: { database: urlOf(url, name), schema: "continuum" },
        server: {
          url: urlOf(url, name),
          counters: () => counters(admin, name, () => session(name)),
          checkpoint: async () => void await admin`checkpoint`,
          session: () => session(name),
        },
        serverMs: () => postmaster === null ? NaN : processorMs(postmaster),
        [Symbol.asyncDispose]: async () => {
          await admin.unsafe(`drop database ${name} with (force)`);
        },
      };
    },
    [Symbol.asyncDispose]: async () => await admin.end(),
  };
}

/** Makes schemas of one PGlite, in a folder. */
export async function pgliteDatabases(): Promise<BenchDatabases> {
  const folder = await Deno.makeTempDir({ prefix: "continuum_bench_" });
  const database = pglite(`${folder}/data`);
  const keeper = await database.open();
  let made = 0;
  return {
    kind: "pglite",
    release: "PGlite 0.5.16 in a folder",
    fresh() {
      const schema = `bench_${made++}`;
      return Promise.resolve({
        kind: "pglite",
        options: { database, schema },
        serverMs: () => NaN,
        [Symbol.asyncDispose]: () => keeper.script(`drop schema if exists ${schema} cascade`),
      });
    },
    async [Symbol.asyncDispose]() {
      await keeper.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** For what needs no database of its own: nothing is made, and nothing removed. */
export function memoryDatabases(): BenchDatabases {
  return {
    kind: "memory",
    release: "nothing but this process",
    fresh: () =>
      Promise.resolve({
        kind: "memory",
        options: { database: "memory:", schema: "continuum" },
        serverMs: () => NaN,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function urlOf(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

/** The server's first process, if it runs on this machine. */
async function pidOf(admin: Sql): Promise<number | null> {
  try {
    const [row] = await admin`select pg_read_file('postmaster.pid') as text`;
    const pid = Number(String(row?.text).split("\n")[0]);
    return Deno.readTextFileSync(`/proc/${pid}/comm`).startsWith("postgres") ? pid : null;
  } catch {
    return null;
  }
}
