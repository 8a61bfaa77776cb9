/**
 * What a workload is.
 *
 * @module
 */

import type { BenchDatabase } from "./databases.ts";

/** What a workload found. */
export type Measurement = Record<string, unknown>;

/** How large workloads are. */
export interface Sizes {
  /** Runs started by one `startMany` in W3. */
  readonly many: number;
  /** Runs waiting in W4. */
  readonly parked: number;
  /** Steps of the long runs in W5, the longest last. */
  readonly long: readonly number[];
  /** Rows in the table. */
  readonly rows: number;
  /** Seconds to watch an idle node. */
  readonly idleSeconds: number;
}

/** A workload. */
export interface Workload {
  /** Its name. */
  readonly name: string;
  /** What it is measured on; on Postgres and PGlite when omitted. */
  readonly on?: readonly BenchDatabase["kind"][];
  /**
   * Measures on an empty database.
   *
   * @param db The database.
   * @param sizes How large the workload is.
   * @param reps How many measurements are wanted.
   * @returns One measurement, or all that are wanted where they can share their preparation.
   */
  measure(db: BenchDatabase, sizes: Sizes, reps: number): Promise<Measurement | Measurement[]>;
}
