/**
 * Removes old runs and old results of activities.
 *
 * @module
 */

import {
  checkArray,
  checkBoolean,
  checkText,
  readName,
  refuseUnless,
} from "../../base/arguments.ts";
import { FIRST_PLACE, type PruneScope } from "../../ports/retention.ts";
import { END_STATES, type EndState } from "../../ports/rows.ts";
import type { Store } from "../../ports/store.ts";
import { acting, type OperatedContext, operatedInSteps } from "../operated.ts";
import { type PruneScopeOptions, type ReadBounds, readBounds } from "./prune_options.ts";

/**
 * Options of {@linkcode Runs.prune}. The age of a run counts from its end. `limit` counts runs.
 *
 * @category Runs
 */
export interface PruneOptions extends PruneScopeOptions {
  /**
   * The end states of the runs to remove.
   *
   * @default {["completed", "failed", "cancelled", "terminated"]}
   */
  readonly states?: readonly EndState[];
  /** The workflow's name; all workflows when omitted. */
  readonly workflow?: string;
  /**
   * Whether to remove earlier generations that ended before the cutoff, also of runs that stay.
   *
   * @default {false}
   */
  readonly generations?: boolean;
}

/**
 * Options of {@linkcode Runs.pruneResults}. The age of a result counts from its commit.
 *
 * @category Runs
 */
export interface PruneResultsOptions extends PruneScopeOptions {
  /** The activity's name; all activities when omitted. */
  readonly activity?: string;
}

/**
 * How much {@linkcode Runs.prune} removed, or would remove.
 *
 * @category Runs
 */
export interface PruneReport {
  /** Runs. */
  readonly runs: number;
  /** Earlier generations, those of the removed runs included. */
  readonly generations: number;
  /** Events of the removed histories. */
  readonly events: number;
  /** Idempotency keys: each is removed with its run. */
  readonly keys: number;
}

const WHAT = "runs.prune()";

/** The dependencies of pruning. */
type PruneContext = OperatedContext & {
  /** The store. */
  readonly store: Pick<Store, "now" | "retention">;
};

/**
 * Removes runs; see {@linkcode Runs.prune}.
 *
 * @param options Which to remove.
 * @param context Its dependencies.
 */
export async function pruneRuns(
  options: PruneOptions,
  context: PruneContext,
): Promise<PruneReport> {
  const { store } = context;
  const bounds = readBounds(options, ["states", "workflow", "generations"], WHAT);
  const { namespace = context.runs.namespace, limit, dryRun } = bounds;
  const { states, workflow, generations } = readRest(options);
  const runsBefore = await bounds.cutoff(store);
  const generationsBefore = generations ? runsBefore : null;
  const scope: PruneScope = { namespace, workflow, states, runsBefore, generationsBefore };
  return await operatedInSteps(
    acting(context, bounds),
    { action: "runs.prune", namespace, target: namespace },
    { endedBefore: new Date(runsBefore).toISOString(), states, workflow, generations },
    () => removeRuns(scope, { limit, dryRun }, store),
    (total) => ({ ...total }),
  );
}

async function removeRuns(
  scope: PruneScope,
  { limit, dryRun }: Pick<ReadBounds, "limit" | "dryRun">,
  store: Pick<Store, "retention">,
): Promise<PruneReport> {
  const total = { runs: 0, generations: 0, events: 0, keys: 0 };
  for (let from = FIRST_PLACE; total.runs < limit;) {
    const step = await store.retention.step(scope, from, { limit: limit - total.runs, dryRun });
    if (step === null) break;
    total.runs += step.runs;
    total.generations += step.generations;
    total.events += step.events;
    total.keys += step.keys;
    if (step.next === null) break;
    from = step.next;
  }
  return total;
}

/**
 * Removes results of activities; see {@linkcode Runs.pruneResults}.
 *
 * @param options Which to remove.
 * @param context Its dependencies.
 */
export async function pruneResults(
  options: PruneResultsOptions,
  context: PruneContext,
): Promise<number> {
  const { store } = context;
  const bounds = readBounds(options, ["activity"], "runs.pruneResults()");
  const { namespace = context.runs.namespace, limit, dryRun } = bounds;
  const { activity } = options;
  if (activity !== undefined) readName(activity, "an activity");
  const { retention } = store;
  const before = await bounds.cutoff(store);
  return await operatedInSteps(
    acting(context, bounds),
    { action: "results.prune", namespace, target: namespace },
    { storedBefore: new Date(before).toISOString(), activity: activity ?? null },
    async () => {
      let removed = 0;
      for (let more = true; more && removed < limit;) {
        const left = { limit: limit - removed, dryRun };
        const step = await retention.results(namespace, activity ?? null, before, left);
        if (step === null) break;
        removed += step.results;
        more = step.more;
      }
      return removed;
    },
    (results) => ({ results }),
  );
}

function readRest(
  options: PruneOptions,
): Pick<PruneScope, "states" | "workflow"> & { readonly generations: boolean } {
  const { states = END_STATES, workflow, generations = false } = options;
  const wanted = `an array of ${END_STATES.join(", ")}`;
  checkArray(states, `option states of ${WHAT}`, wanted, isEnd);
  refuseUnless(states.length > 0, `option states of ${WHAT}`, states, wanted);
  if (workflow !== undefined) checkText(workflow, `option workflow of ${WHAT}`);
  checkBoolean(generations, `option generations of ${WHAT}`);
  return { states, workflow: workflow ?? null, generations };
}

function isEnd(state: unknown): boolean {
  return (END_STATES as readonly unknown[]).includes(state);
}
