/**
 * What all removing has in common: an age, a namespace, bounds.
 *
 * @module
 */

import { isStorableDate, STORABLE_DATES } from "../../base/dates.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import { InvalidArgumentError } from "../../base/errors.ts";
import type { Store } from "../../ports/store.ts";
import { checkOptions, describe } from "../../workflow/options.ts";
import { checkText } from "../start/options.ts";

/**
 * Until when something must have been over, and how much is removed: one of the first two.
 *
 * @category Runs
 */
export interface PruneScopeOptions {
  /** What was over at least so long ago goes, by the database's clock. */
  readonly olderThan?: Duration;
  /** What was over by then goes. */
  readonly before?: Date;
  /** The namespace; that of this instance when omitted. */
  readonly namespace?: string;
  /** The most that goes, from 1; all that there is when omitted. */
  readonly limit?: number;
  /**
   * Whether to count what would be removed, and to remove nothing.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
}

/** Bounds, read. */
export interface ReadBounds {
  /** Tells the cutoff, in milliseconds since the epoch, of a database. */
  readonly cutoff: (store: Pick<Store, "now">) => Promise<number>;
  /** The namespace; that of the instance when undefined. */
  readonly namespace: string | undefined;
  /** The most that goes. */
  readonly limit: number;
  /** Whether nothing goes. */
  readonly dryRun: boolean;
}

const KEYS = ["olderThan", "before", "namespace", "limit", "dryRun"];

/**
 * Reads bounds.
 *
 * @param options What was passed.
 * @param more Other keys that there are.
 * @param what What takes the options, such as `runs.prune()`.
 * @throws {InvalidArgumentError} If a key is unknown, or a value not of its kind.
 */
export function readBounds(
  options: PruneScopeOptions,
  more: readonly string[],
  what: string,
): ReadBounds {
  checkOptions(options, [...KEYS, ...more], what);
  const { namespace, limit = Infinity, dryRun = false } = options;
  if (namespace !== undefined) checkText(namespace, "namespace");
  const isLimit = limit === Infinity || Number.isInteger(limit) && limit >= 1;
  refuseUnless(isLimit, "limit", limit, "a whole number from 1", what);
  refuseUnless(typeof dryRun === "boolean", "dryRun", dryRun, "true or false", what);
  return { cutoff: readCutoff(options, what), namespace, limit, dryRun };
}

function readCutoff({ olderThan, before }: PruneScopeOptions, what: string): ReadBounds["cutoff"] {
  const isOne = (olderThan === undefined) !== (before === undefined);
  const found = olderThan === undefined ? "neither" : "both";
  refuseUnless(isOne, "olderThan", found, "either olderThan or before", what);
  if (before !== undefined) {
    refuseUnless(isStorableDate(before), "before", before, STORABLE_DATES, what);
    const at = before.getTime();
    return () => Promise.resolve(at);
  }
  const age = durationMs(olderThan!, `olderThan of ${what}`);
  return async (store) => await store.now() - age;
}

/** Names an option that is none. */
export function refuseUnless(
  good: boolean,
  option: string,
  found: unknown,
  wanted: string,
  what: string,
): void {
  if (good) return;
  const shown = found instanceof Date ? "an invalid Date or one out of range" : describe(found);
  throw new InvalidArgumentError(
    `Cannot use option ${option} of ${what}: found ${shown}, wanted ${wanted}`,
    { option },
  );
}
