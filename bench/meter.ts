/**
 * What a stretch of work takes: time, processor time, and what Postgres counts meanwhile.
 *
 * @module
 */

import { type Counters, ownProcessorMs, round } from "./measure.ts";
import type { BenchDatabase } from "./databases.ts";
import type { Measurement } from "./workload.ts";

/** Processor time and time, in milliseconds. */
interface Moment {
  readonly client: number;
  readonly server: number;
  readonly at: number;
}

/** Measures one stretch of work on a database. */
export class Meter {
  readonly #db: BenchDatabase;
  readonly #before: Counters | undefined;
  #begun: Moment;
  #ended: Moment;

  private constructor(db: BenchDatabase, before: Counters | undefined) {
    this.#db = db;
    this.#before = before;
    this.#begun = this.#ended = this.#now();
  }

  /** Reads the counters, after a checkpoint; no session may be open. */
  static async at(db: BenchDatabase): Promise<Meter> {
    await db.server?.checkpoint();
    return new Meter(db, await db.server?.counters());
  }

  /** The work begins. */
  begin(): void {
    this.#begun = this.#now();
  }

  /** The work has ended; sessions may still be open. */
  end(): void {
    this.#ended = this.#now();
  }

  /** Seconds from begin to end. */
  get seconds(): number {
    return (this.#ended.at - this.#begun.at) / 1000;
  }

  /** Transactions that were committed since the counters were read; no session may be open. */
  async commits(): Promise<number> {
    const after = await this.#db.server?.counters();
    return (after?.commits ?? NaN) - (this.#before?.commits ?? NaN);
  }

  /**
   * Reads the counters again; no session may be open.
   *
   * @param n Of how many units the work was.
   * @param unit What one is called, and several.
   * @param overhead Transactions that are not the work's.
   * @returns What a unit took; without a server only what this process knows.
   */
  async found(
    n: number,
    [unit, units]: readonly [string, string],
    overhead = 0,
  ): Promise<Measurement> {
    const client = this.#ended.client - this.#begun.client;
    const server = this.#ended.server - this.#begun.server;
    const time = {
      [units]: n,
      sec: round(this.seconds, 3),
      [`${units}_s`]: round(n / this.seconds, 0),
      [`client_cpu_ms_${unit}`]: round(client / n, 4),
    };
    const after = await this.#db.server?.counters();
    if (after === undefined || this.#before === undefined) {
      return { ...time, [`cpu_ms_${unit}`]: round(client / n, 4) }; // the database is this process
    }
    const before = this.#before;
    const each = (key: "inserted" | "updated" | "deleted") =>
      round((after[key] - before[key]) / n, 3);
    const updated = after.runs.updated - before.runs.updated;
    return {
      ...time,
      [`server_cpu_ms_${unit}`]: round(server / n, 4),
      [`cpu_ms_${unit}`]: round((client + server) / n, 4),
      pg: {
        [`xact_${unit}`]: round((after.commits - before.commits - overhead) / n, 4),
        [`wal_bytes_${unit}`]: round((after.wal - before.wal) / n, 0),
        [`ins_${unit}`]: each("inserted"),
        [`upd_${unit}`]: each("updated"),
        [`del_${unit}`]: each("deleted"),
        hot_ratio: round((after.runs.hot - before.runs.hot) / updated, 3),
      },
    };
  }

  #now(): Moment {
    return { client: ownProcessorMs(), server: this.#db.serverMs(), at: performance.now() };
  }
}
