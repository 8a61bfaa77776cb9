/**
 * The options that all calls of pruning share: an age, a namespace, bounds.
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
 * The cutoff, and how much is removed. Exactly one of `olderThan` and `before` is required.
 *
 * @category Runs
 */
export interface PruneScopeOptions {
  /** Remove what ended, or was committed, at least this long ago, by the database's clock. */
  readonly olderThan?: Duration;
  /** Remove what ended, or was committed, by this time. */
  readonly before?: Date;
  /** The namespace; that of this instance when omitted. */
  readonly namespace?: string;
  /** The most to remove, from 1; all when omitted. */
  readonly limit?: number;
  /**
   * Whether only to count what would be removed.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
}

/** The checked bounds. */
export interface ReadBounds {
  /** Returns the cutoff in milliseconds since the epoch, by the database's clock. */
  readonly cutoff: (store: Pick<Store, "now">) => Promise<number>;
  /** The namespace; that of the instance when undefined. */
  readonly namespace: string | undefined;
  /** The most to remove. */
  readonly limit: number;
  /** Whether only to count. */
  readonly dryRun: boolean;
}

const KEYS = ["olderThan", "before", "namespace", "limit", "dryRun"];

/**
 * Checks the bounds.
 *
 * @param options What was passed.
 * @param more Other valid keys.
 * @param what The call, such as `runs.prune()`.
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of
 * range.
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
