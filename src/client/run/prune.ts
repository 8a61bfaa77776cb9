/**
 * Removing runs that have had their time.
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
import { type PruneScopeOptions, readBounds } from "./prune_options.ts";

/**
 * Options of {@linkcode Runs.prune}: runs count from their end, as does `limit`.
 *
 * @category Runs
 */
export interface PruneOptions extends PruneScopeOptions {
  /**
   * How runs must have ended.
   *
   * @default {["completed", "failed", "cancelled", "terminated"]}
   */
  readonly states?: readonly EndState[];
  /** Of one workflow, by its name; of all when omitted. */
  readonly workflow?: string;
  /**
   * Whether earlier generations that were over by then go, too, where their runs stay.
   *
   * @default {false}
   */
  readonly generations?: boolean;
}

/**
 * Options of {@linkcode Runs.pruneResults}: results count from their commit.
 *
 * @category Runs
 */
export interface PruneResultsOptions extends PruneScopeOptions {
  /** Of one activity, by its name; of all when omitted. */
  readonly activity?: string;
}

/**
 * What {@linkcode Runs.prune} removed, or would remove.
 *
 * @category Runs
 */
export interface PruneReport {
  /** Runs. */
  readonly runs: number;
  /** Earlier generations, those of the removed runs included. */
  readonly generations: number;
  /** Events of their histories. */
  readonly events: number;
  /** Idempotency keys: each goes with its run. */
  readonly keys: number;
}

const WHAT = "runs.prune()";

/** What removing works with. */
type Services = Pick<Store, "now" | "retention">;

/**
 * Removes runs; see {@linkcode Runs.prune}.
 *
 * @param options Which.
 * @param store Where they are.
 * @param ownNamespace Where they are if the options don't say.
 */
export async function pruneRuns(
  options: PruneOptions,
  store: Services,
  ownNamespace: string,
): Promise<PruneReport> {
  const bounds = readBounds(options, ["states", "workflow", "generations"], WHAT);
  const { namespace = ownNamespace, limit, dryRun } = bounds;
  const { states, workflow, generations } = readRest(options);
  const runsBefore = await bounds.cutoff(store);
  const generationsBefore = generations ? runsBefore : null;
  const scope: PruneScope = { namespace, workflow, states, runsBefore, generationsBefore };
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
 * @param options Which.
 * @param store Where they are.
 * @param ownNamespace Where they are if the options don't say.
 */
export async function pruneResults(
  options: PruneResultsOptions,
  store: Services,
  ownNamespace: string,
): Promise<number> {
  const bounds = readBounds(options, ["activity"], "runs.pruneResults()");
  const { namespace = ownNamespace, limit, dryRun } = bounds;
  const { activity } = options;
  if (activity !== undefined) readName(activity, "an activity");
  const { retention } = store;
  const before = await bounds.cutoff(store);
  let removed = 0;
  for (let more = true; more && removed < limit;) {
    const left = { limit: limit - removed, dryRun };
    const step = await retention.results(namespace, activity ?? null, before, left);
    if (step === null) break;
    removed += step.results;
    more = step.more;
  }
  return removed;
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
