/**
 * How many runs of a workflow there may be at once, and in a time: the option `limit` of
 * `defineWorkflow`.
 *
 * @module
 */

import {
  checkFunction,
  checkKeys,
  checkText,
  checkWhole,
  MAX_NAME,
  refuse,
} from "../base/arguments.ts";
import { type Duration, durationMs } from "../base/duration.ts";
import { quoteId } from "../base/describe.ts";

/**
 * So many in a time.
 *
 * @category Workflows
 */
export interface LimitRateOptions {
  /** How many: a whole number from 1. */
  readonly count: number;
  /** The time, from 1 ms to a year. The permits come back evenly over it. */
  readonly time: Duration;
}

/**
 * How many runs of a workflow there may be. A run beyond the limit is `queued`: it starts when its
 * turn comes. What counts is a run that was admitted and has not ended, whatever it waits for.
 *
 * @category Workflows
 */
export interface RunLimitOptions<Input = unknown> {
  /**
   * The name of the queue. Workflows with the same name share one queue in each namespace; the
   * definition that was started last says how much it admits.
   *
   * @default {the workflow's name}
   */
  readonly name?: string;
  /** How many runs there may be at once; unlimited when omitted. */
  readonly atOnce?: number;
  /** How many runs start in a time; unlimited when omitted. */
  readonly per?: LimitRateOptions;
  /**
   * The key that a run counts for, such as its tenant: a text of up to 255 characters. Keys take turns,
   * so a key with many runs delays those of others by one run each. It is called once, where the run
   * is started, with the input that the schema has checked.
   */
  readonly key?: (input: Input) => string;
  /** How many runs of each key there may be at once, and how many start in a time. */
  readonly perKey?: {
    /** At once; unlimited when omitted. */
    readonly atOnce?: number;
    /** In a time; unlimited when omitted. */
    readonly per?: LimitRateOptions;
  };
  /**
   * A whole number from -1,000,000 to 1,000,000: runs with a higher one are admitted first, whatever
   * their key. It is called where `key` is.
   *
   * @default {() => 0}
   */
  readonly priority?: (input: Input) => number;
}

/**
 * So many in a time.
 *
 * @category Workflows
 */
export interface LimitRate {
  /** How many. */
  readonly count: number;
  /** The time, in milliseconds. */
  readonly ms: number;
}

/**
 * How many runs of a queue there may be.
 *
 * @category Workflows
 */
export interface LimitTerms {
  /** The queue's name. */
  readonly name: string;
  /** At once; unlimited when omitted. */
  readonly atOnce?: number;
  /** Starts in a time; unlimited when omitted. */
  readonly per?: LimitRate;
  /** The same for each key. */
  readonly perKey?: { readonly atOnce?: number; readonly per?: LimitRate };
}

/**
 * A checked limit of a definition.
 *
 * @category Workflows
 */
export interface RunLimit {
  /** The queue. */
  readonly terms: LimitTerms;
  /** The key of a run. */
  readonly key: ((input: unknown) => string) | null;
  /** Its priority. */
  readonly priority: ((input: unknown) => number) | null;
}

/** The most that a limit may admit at once, and in a time. */
const MOST = 1_000_000;

const MAX_KEY = 255;

const KEYS = ["name", "atOnce", "per", "key", "perKey", "priority"];

/**
 * Checks the option `limit` of a definition.
 *
 * @param limit What was passed.
 * @param workflow The workflow's name.
 * @returns The limit.
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of range.
 */
export function readRunLimit(limit: RunLimitOptions<never>, workflow: string): RunLimit {
  const what = `option limit of workflow ${quoteId(workflow)}`;
  checkKeys(limit, KEYS, what);
  const { name = workflow, key, perKey, priority } = limit;
  checkText(name, `name in ${what}`, MAX_NAME);
  if (key !== undefined) checkFunction(key, `key in ${what}`);
  if (priority !== undefined) checkFunction(priority, `priority in ${what}`);
  if (perKey !== undefined) {
    checkKeys(perKey, ["atOnce", "per"], `perKey in ${what}`);
    if (key === undefined) refuse(`perKey in ${what}`, perKey, "nothing, where there is no key");
  }
  const own = boundsOf(limit, what);
  const each = perKey === undefined ? {} : boundsOf(perKey, `perKey in ${what}`);
  if (Object.keys(own).length + Object.keys(each).length === 0) {
    refuse(what, limit, "atOnce, per or perKey");
  }
  const terms = { name, ...own, ...(Object.keys(each).length === 0 ? {} : { perKey: each }) };
  return { terms, key: key ?? null, priority: priority ?? null } as RunLimit;
}

function boundsOf(
  { atOnce, per }: { readonly atOnce?: number; readonly per?: LimitRateOptions },
  what: string,
): { atOnce?: number; per?: LimitRate } {
  if (atOnce !== undefined) checkWhole(atOnce, `atOnce in ${what}`, 1, MOST);
  return {
    ...(atOnce === undefined ? {} : { atOnce }),
    ...(per === undefined ? {} : { per: rateOf(per, `per in ${what}`) }),
  };
}

const YEAR_MS = 366 * 86_400_000;

function rateOf(rate: LimitRateOptions, what: string): LimitRate {
  checkKeys(rate, ["count", "time"], what);
  checkWhole(rate.count, `count of ${what}`, 1, MOST);
  const ms = durationMs(rate.time, `time of ${what}`);
  if (ms < 1 || ms > YEAR_MS) refuse(`time of ${what}`, rate.time, "1 ms to a year");
  return { count: rate.count, ms };
}

/**
 * Checks a key of a run.
 *
 * @param key What a function returned, or a caller passed.
 * @param what Whose it is, for errors.
 * @returns The key.
 * @throws {InvalidArgumentError} If it is no text, or too long.
 */
export function readLimitKey(key: unknown, what: string): string {
  return checkText(key, what, MAX_KEY);
}

/**
 * Checks a priority of a run.
 *
 * @param priority What a function returned, or a caller passed.
 * @param what Whose it is, for errors.
 * @returns The priority.
 * @throws {InvalidArgumentError} If it is no whole number from -1,000,000 to 1,000,000.
 */
export function readLimitPriority(priority: unknown, what: string): number {
  return checkWhole(priority, what, -MOST, MOST);
}
