/**
 * What `health()` reads, check by check.
 *
 * - LATECHECK-1: a check that the database gives up, since it takes longer than its caller allows, leaves
 *   the others. It is a finding itself, so a report never says less than it seems to. If no check is
 *   read in time, there is no report.
 *
 * @module
 */

import { type ContinuumError, isContinuumError } from "../../base/errors.ts";

/** Two at a time: a process has few connections, and others need them, too. */
const AT_ONCE = 2;

/** How each check is read. */
export type Reads<All extends object> = { readonly [Name in keyof All]: () => Promise<All[Name]> };

/** A check that was late. */
export interface Late {
  /** The check. */
  readonly check: string;
  /** How many milliseconds it had. */
  readonly ms: number;
  /** What the database's refusal was. */
  readonly error: ContinuumError<"QUERY_TIMEOUT">;
}

/** What was read; a check that was late has no value. */
export interface Checked<All extends object> {
  /** By name. */
  readonly read: Partial<All>;
  /** Those that were late. */
  readonly late: readonly Late[];
}

/**
 * Reads checks (LATECHECK-1).
 *
 * @param reads The checks, by name.
 * @returns What was read, and what was late.
 * @throws The error of a check that failed for another reason than its time.
 */
export async function readChecks<All extends object>(reads: Reads<All>): Promise<Checked<All>> {
  const read: { [Name in keyof All]?: All[Name] } = {};
  const late: Late[] = [];
  const next = (Object.keys(reads) as (keyof All & string)[]).values();
  const readOn = async () => {
    for (const check of next) {
      try {
        read[check] = await reads[check]();
      } catch (error) {
        if (!isContinuumError(error, "QUERY_TIMEOUT")) throw error;
        late.push({ check, ms: error.details.ms, error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, readOn));
  return { read, late };
}
