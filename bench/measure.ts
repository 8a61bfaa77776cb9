/**
 * Measuring tools: statistics, processor time, memory, and what Postgres has counted.
 *
 * @module
 */

import { memoryUsage } from "node:process";
import type postgres from "postgres";

/** A connection to a server for measuring. */
export type Sql = ReturnType<typeof postgres>;

/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  return percentile(numbers, 50);
}

/** The value that `percent` of the numbers do not exceed. */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)] ?? NaN;
}

/** A number with that many decimals. */
export function round(value: number, decimals = 2): number {
  return Number(value.toFixed(decimals));
}

/** Waits. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** Runs `work(i)` for `i` from 0 to `n`, at most `limit` at a time. */
export async function pool(
  n: number,
  limit: number,
  work: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(n, limit) }, async () => {
    while (next < n) await work(next++);
  }));
}

/** Milliseconds of processor time that a process and its children took so far; Linux only. */
export function processorMs(root: number): number {
  let ticks = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? statOf(pid) : null;
    if (stat === null) continue;
    if (pid === root) ticks += stat.own + stat.reaped;
    else if (stat.parent === root) ticks += stat.own + stat.reaped;
  }
  return ticks * 10; // a tick is a hundredth of a second
}

function statOf(pid: number): { parent: number; own: number; reaped: number } | null {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
    const [parent, user, system, childUser, childSystem] = [1, 11, 12, 13, 14].map((at) =>
      fields[at] ?? 0
    ) as [number, number, number, number, number];
    return { parent, own: user + system, reaped: childUser + childSystem };
  } catch {
    return null; // it has gone, or this is not Linux
  }
}

/** Milliseconds of processor time of this process. */
export function ownProcessorMs(): number {
  const stat = statOf(Deno.pid);
  return stat === null ? NaN : stat.own * 10;
}

/** Bytes of JavaScript heap and of resident memory, after the garbage is gone. */
export async function memory(): Promise<{ heap: number; rss: number }> {
  const { gc } = globalThis as { gc?: () => void };
  for (let i = 0; i < 3; i++) {
    gc?.();
    await sleep(30);
  }
  const { heapUsed, rss } = memoryUsage();
  return { heap: heapUsed, rss };
}

/** What a database and its server have counted so far. */
export interface Counters {
  /** Transactions that were committed. */
  readonly commits: number;
  /** Rows. */
  readonly inserted: number;
  /** Rows. */
  readonly updated: number;
  /** Rows. */
  readonly deleted: number;
  /** Rows of `runs` that were updated, and how many of these within their page, without an index. */
  readonly runs: { readonly updated: number; readonly hot: number };
  /** Bytes of WAL that the whole server wrote. */
  readonly wal: number;
}

/**
 * Reads the counters of a database. Sessions report when they end, so none may be open.
 *
 * @param admin A session in another database of the server.
 * @param database The database.
 * @param inside A session factory for the database, for the counters of its tables.
 */
export async function counters(
  admin: Sql,
  database: string,
  inside: () => Sql,
): Promise<Counters> {
  while (true) {
    const [row] = await admin`
      select count(*)::integer as n from pg_stat_activity where datname = ${database}`;
    if (row?.n === 0) break;
    await sleep(20);
  }
  await sleep(100);
  const sql = inside();
  const [table] = await sql`
    select coalesce(sum(n_tup_upd), 0)::integer as updated,
      coalesce(sum(n_tup_hot_upd), 0)::integer as hot
    from pg_stat_user_tables where relname = 'runs'`;
  await sql.end();
  const [row] = await admin`
    select xact_commit::integer as commits, tup_inserted::integer as inserted,
      tup_updated::integer as updated, tup_deleted::integer as deleted,
      (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as wal
    from pg_stat_database where datname = ${database}`;
  const runs = table as unknown as Counters["runs"];
  return {
    ...row as unknown as Omit<Counters, "runs">,
    runs: { updated: runs.updated, hot: runs.hot },
  };
}
