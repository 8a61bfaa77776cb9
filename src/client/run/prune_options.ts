/**
 * What all removing has in common: an age, a namespace, bounds.
 *
 * @module
 */

import {
  checkBoolean,
  checkDate,
  checkOptions,
  checkText,
  checkWhole,
  refuse,
} from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import type { Store } from "../../ports/store.ts";

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
  /** Returns the cutoff, in milliseconds since the epoch, of a database. */
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
  if (namespace !== undefined) checkText(namespace, `option namespace of ${what}`);
  if (limit !== Infinity) checkWhole(limit, `option limit of ${what}`, 1);
  checkBoolean(dryRun, `option dryRun of ${what}`);
  return { cutoff: readCutoff(options, what), namespace, limit, dryRun };
}

function readCutoff({ olderThan, before }: PruneScopeOptions, what: string): ReadBounds["cutoff"] {
  if ((olderThan === undefined) === (before === undefined)) {
    const found = inWords(olderThan === undefined ? "neither" : "both");
    refuse(`the options olderThan and before of ${what}`, found, "exactly one of them");
  }
  if (before !== undefined) {
    const at = checkDate(before, `option before of ${what}`);
    return () => Promise.resolve(at);
  }
  const age = durationMs(olderThan!, `option olderThan of ${what}`);
  return async (store) => await store.now() - age;
}
