/**
 * The options of an upgrade of many runs.
 *
 * @module
 */

import {
  checkArray,
  checkBoolean,
  checkOptions,
  checkText,
  checkWhole,
  refuse,
} from "../../base/arguments.ts";
import { inWords } from "../../base/describe.ts";
import type { Duration } from "../../base/duration.ts";
import { limitsOf, type ReadWork } from "./bulk_work_options.ts";
import type { RunCondition } from "../../ports/run_query.ts";
import type { Verdict } from "../versions/verdict.ts";
import { readWhere, type RunWhere } from "./conditions.ts";

/**
 * A run of a plan, as it was when the plan was made. A verdict of a dry run is one.
 *
 * @category Runs
 */
export type PlannedRun = Pick<Verdict, "id" | "from" | "generation" | "events">;

/**
 * Options of {@linkcode Runs.upgrade}.
 *
 * @category Runs
 */
export interface BulkUpgradeOptions {
  /** The target: a version's hash, or a registered specifier. */
  readonly to?: string;
  /** In place of `to`: a workflow's name. The target is its current version. */
  readonly workflow?: string;
  /** Which runs of the target's workflow; all that are on other versions when omitted. */
  readonly where?: RunWhere;
  /**
   * In place of `where`: the runs of a plan, such as the verdicts of a dry run. A run that is not as
   * the plan has it gets the verdict `changed`, and is not moved.
   */
  readonly plan?: readonly PlannedRun[];
  /** The namespace; that of this instance when omitted. */
  readonly namespace?: string;
  /**
   * Whether only to say which runs could be moved.
   *
   * @default {false}
   */
  readonly dryRun?: boolean;
  /** The most runs to examine, the oldest first; all when omitted. */
  readonly limit?: number;
  /** Stop after this many runs that do not replay; never when omitted. */
  readonly stopAfterFailures?: number;
  /**
   * How long to return to runs that nodes execute, after all others were examined.
   *
   * @default {"10s"}
   */
  readonly patience?: Duration;
  /**
   * Stop after this time, at the end of a batch, of which one is examined at least; never when
   * omitted. What is left belongs to the next call: by the id of the job, or by `cursor` after a dry
   * run. With 0, a new job is created, and nothing is examined.
   */
  readonly pauseAfter?: Duration;
  /** Where a dry run continues: the `cursor` of the one before, with the same target and `where`. */
  readonly cursor?: string;
  /** Aborts the upgrade. What was moved stays moved, and the job can be resumed. */
  readonly signal?: AbortSignal;
  /**
   * In place of `to`, `workflow`, `where`, `plan`, `namespace`, `dryRun`, `cursor` and `limit`: the
   * id of a job that is resumed where it was left.
   */
  readonly job?: string;
}

/** Which runs are moved, and where. */
export interface ReadPlan {
  /** The target, by `to` or `workflow`. */
  readonly target: { readonly to: string } | { readonly workflow: string };
  /** Which runs. */
  readonly where: RunCondition | null;
  /** The runs of a plan; `null`: all that `where` selects. */
  readonly runs: readonly PlannedRun[] | null;
  /** The most runs to examine; `null`: all. */
  readonly limit: number | null;
  /** Where a dry run continues; `null`: it begins. */
  readonly cursor: string | null;
}

/** The namespace; `undefined`: that of the instance. */
interface Named {
  readonly namespace: string | undefined;
}

const WHAT = "runs.upgrade()";
const PLAN_KEYS = [
  ...["to", "workflow", "where", "plan", "namespace", "dryRun", "limit", "cursor"] as const,
];
const KEYS = [...PLAN_KEYS, "stopAfterFailures", "patience", "pauseAfter", "signal", "job"];

/** A plan is one value in the database. */
const MOST_PLANNED = 100_000;

/**
 * Checks the options.
 *
 * @param options What was passed.
 * @returns The options.
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of
 * range, or options exclude each other.
 */
export function readBulkOptions(options: BulkUpgradeOptions): ReadWork<ReadPlan> {
  checkOptions(options, KEYS, WHAT);
  const { job, dryRun = false } = options;
  const limits = limitsOf(options, WHAT);
  const work = job === undefined ? readPlan(options) : readJob(job, options);
  return { work, dryRun, ...limits };
}

function readJob(job: unknown, options: BulkUpgradeOptions): { readonly job: string } {
  const other = PLAN_KEYS.find((key) => options[key] !== undefined);
  if (other !== undefined) {
    refuse(`option ${other} of ${WHAT}`, options[other], "nothing beside the option job");
  }
  return { job: checkText(job, `option job of ${WHAT}`) };
}

function readPlan(options: BulkUpgradeOptions): ReadPlan & Named {
  const { to, workflow, where, plan, namespace, dryRun = false, limit, cursor } = options;
  if ((to === undefined) === (workflow === undefined)) {
    const found = inWords(to === undefined ? "neither" : "both");
    refuse(`the options to and workflow of ${WHAT}`, found, "exactly one of them");
  }
  if (plan !== undefined && where !== undefined) {
    refuse(`option where of ${WHAT}`, where, "nothing beside the option plan");
  }
  if (namespace !== undefined) checkText(namespace, `option namespace of ${WHAT}`);
  checkBoolean(dryRun, `option dryRun of ${WHAT}`);
  if (limit !== undefined) checkWhole(limit, `option limit of ${WHAT}`, 1);
  if (cursor !== undefined && (!dryRun || plan !== undefined)) {
    refuse(`option cursor of ${WHAT}`, cursor, "nothing but for a dry run without a plan");
  }
  return {
    target: to === undefined
      ? { workflow: checkText(workflow, `option workflow of ${WHAT}`) }
      : { to: checkText(to, `option to of ${WHAT}`, Infinity) },
    where: readWhere(where),
    runs: plan === undefined ? null : readPlanned(plan),
    namespace,
    limit: limit ?? null,
    cursor: cursor ?? null,
  };
}

function readPlanned(plan: readonly PlannedRun[]): PlannedRun[] {
  const wanted = "an array of verdicts, or of objects with id, from, generation and events";
  checkArray(plan, `option plan of ${WHAT}`, wanted, isPlanned);
  if (plan.length > MOST_PLANNED) {
    refuse(`option plan of ${WHAT}`, inWords(`${plan.length} runs`), `at most ${MOST_PLANNED}`);
  }
  return plan.map(({ id, from, generation, events }) => ({ id, from, generation, events }));
}

function isPlanned(entry: unknown): boolean {
  if (typeof entry !== "object" || entry === null) return false;
  const { id, from, generation, events } = entry as Record<string, unknown>;
  return typeof id === "string" && typeof from === "string" && Number.isInteger(generation) &&
    Number.isInteger(events);
}
