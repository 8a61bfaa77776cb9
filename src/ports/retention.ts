/**
 * What the engine requires of a store to remove expired data. Times are milliseconds of the
 * database's clock since the epoch.
 *
 * @module
 */

import type { EndState, RunState } from "./rows.ts";

/** What may be removed from a namespace. */
export interface PruneScope {
  /** The namespace. */
  readonly namespace: string;
  /** The workflow whose runs may be removed; `null`: any workflow. */
  readonly workflow: string | null;
  /** Runs that ended at this time or earlier may be removed; `null`: no runs. */
  readonly runsBefore: number | null;
  /** The states in which a run may be removed. */
  readonly states: readonly EndState[];
  /**
   * Generations that ended at this time or earlier may be removed, even if their run still lives;
   * `null`: none.
   */
  readonly generationsBefore: number | null;
}

/** A place in the order in which runs are examined: the order of their creation. */
export interface PrunePlace {
  /** When the run was created. */
  readonly at: number;
  /** Its internal key. */
  readonly id: number;
}

/** The place before all runs. */
export const FIRST_PLACE: PrunePlace = { at: 0, id: 0 };

/** How much was removed. */
export interface Pruned {
  /** Runs. */
  readonly runs: number;
  /** Earlier generations, including those of the removed runs. */
  readonly generations: number;
  /** Events. */
  readonly events: number;
  /** Idempotency keys. */
  readonly keys: number;
}

/** The outcome of one step. */
export interface PruneStep extends Pruned {
  /** Where the next step begins; `null`: no runs are left to examine. */
  readonly next: PrunePlace | null;
}

/** Options of a step. */
export interface PruneStepOptions {
  /** At most how many runs it examines. */
  readonly limit?: number;
  /** Removes nothing, and counts what it would remove. */
  readonly dryRun?: boolean;
  /** Removes nothing while another step with this option is under way. */
  readonly alone?: boolean;
}

/** Why a run that was to be removed stays. */
export type Kept =
  | { readonly status: "not_found" }
  /** It has not ended. */
  | { readonly status: "live"; readonly state: RunState }
  /** It has ended, and its parent or its children have not been notified yet. */
  | { readonly status: "unsettled" }
  /** Its parent, with this id, is in the generation that may request it once more. */
  | { readonly status: "awaited"; readonly parent: string };

/** The outcome of {@linkcode RetentionStore.remove}. */
export type Removal = Kept | ({ readonly status: "removed" } & Pruned);

/** Removal of expired data. Each call reads and removes a bounded number of rows. */
export interface RetentionStore {
  /**
   * Examines some runs, in the order of their creation, and removes what the scope allows.
   *
   * @param scope What may be removed.
   * @param from Where to begin.
   * @returns What was removed, and where to continue; `null`: another step with `alone` is under
   * way.
   */
  step(
    scope: PruneScope,
    from: PrunePlace,
    options?: PruneStepOptions,
  ): Promise<PruneStep | null>;
  /**
   * Removes one ended run with all that belongs to it, whatever its age. A large run is removed in
   * several statements; if the call fails between two of them, the run has lost only whole earlier
   * generations.
   *
   * @param namespace The run's namespace.
   * @param runId Its id.
   * @returns What was removed, or why the run stays.
   */
  remove(namespace: string, runId: string): Promise<Removal>;
  /**
   * Removes some results of activities that were committed at `before` or earlier, the oldest
   * first.
   *
   * @param name The activity; `null`: all activities.
   * @returns How many were removed, and whether there may be more; `null`: another step with
   * `alone` is under way.
   */
  results(
    namespace: string,
    name: string | null,
    before: number,
    options?: PruneStepOptions,
  ): Promise<{ readonly results: number; readonly more: boolean } | null>;
  /** All namespaces that have runs or schedules. */
  namespaces(): Promise<string[]>;
}
