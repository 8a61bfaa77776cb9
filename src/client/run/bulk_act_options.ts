/**
 * The options of acts on many runs.
 *
 * @module
 */

import { checkBoolean, checkOptions, checkText, checkWhole, refuse } from "../../base/arguments.ts";
import { MAX_REASON } from "../../base/operator_limits.ts";
import type { RunCondition } from "../../ports/run_query.ts";
import { readWhere, type RunWhere } from "./conditions.ts";
import { type BulkWorkOptions, limitsOf, type ReadWork } from "./bulk_work_options.ts";

/**
 * Options of acts on many runs, such as {@linkcode Runs.terminate}.
 *
 * @category Runs
 */
export interface BulkActOptions extends BulkWorkOptions {
  /** Which runs. `{}` is all to which the act can be done. */
  readonly where: RunWhere;
  /** The namespace; that of this instance when omitted. */
  readonly namespace?: string;
  /**
   * Whether only to say which runs there are.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
  /** The most runs, the oldest first; all when omitted. */
  readonly limit?: number;
  /** Where a dry run continues: the `cursor` of the one before, with the same `where`. */
  readonly cursor?: string;
}

/**
 * Options of acts on many runs that say why, such as {@linkcode Runs.cancel}.
 *
 * @category Runs
 */
export interface BulkReasonOptions extends BulkActOptions {
  /** Why, for each of the runs: at most 1,000 characters. */
  readonly reason?: string;
}

/** What a new act begins with. */
export interface ReadAct {
  /** Which runs. */
  readonly where: RunCondition | null;
  /** The most runs; `null`: all. */
  readonly limit: number | null;
  /** Where a dry run continues; `null`: it begins. */
  readonly cursor: string | null;
  /** Why; `null`: nothing was said. */
  readonly reason: string | null;
}

const WORK_KEYS = ["stopAfterFailures", "patience", "pauseAfter", "signal"];
const ACT_KEYS = [...WORK_KEYS, "where", "namespace", "dryRun", "limit", "cursor"];

/**
 * Checks the options of a new act.
 *
 * @param options What was passed.
 * @param call The call, for errors.
 * @param says Whether the act takes a reason.
 * @returns The options.
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of range.
 */
export function readActOptions(
  options: BulkReasonOptions,
  call: string,
  says: boolean,
): ReadWork<ReadAct> {
  checkOptions(options, says ? [...ACT_KEYS, "reason"] : ACT_KEYS, call);
  const { where, namespace, dryRun = false, limit, cursor, reason } = options;
  if (where === undefined) {
    refuse(`option where of ${call}`, where, "conditions; {} is all runs");
  }
  if (namespace !== undefined) checkText(namespace, `option namespace of ${call}`);
  checkBoolean(dryRun, `option dryRun of ${call}`);
  if (limit !== undefined) checkWhole(limit, `option limit of ${call}`, 1);
  if (cursor !== undefined && !dryRun) {
    refuse(`option cursor of ${call}`, cursor, "nothing but for a dry run");
  }
  if (reason !== undefined) checkText(reason, `option reason of ${call}`, MAX_REASON);
  return {
    work: {
      where: readWhere(where),
      limit: limit ?? null,
      cursor: cursor ?? null,
      reason: reason ?? null,
      namespace,
    },
    dryRun,
    ...limitsOf(options, call),
  };
}

/**
 * Checks the options with which a job is continued.
 *
 * @param job The job.
 * @param options What was passed.
 * @returns The options.
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of range.
 */
export function readContinueOptions(job: string, options: BulkWorkOptions): ReadWork<ReadAct> {
  const call = "runs.continueJob()";
  checkText(job, "the id of a job");
  checkOptions(options, WORK_KEYS, call);
  return { work: { job }, dryRun: false, ...limitsOf(options, call) };
}
