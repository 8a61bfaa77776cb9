/**
 * What is asked of a store about data that has had its time. Times are milliseconds of the
 * database's clock since the epoch.
 *
 * @module
 */

import type { EndState } from "./rows.ts";

/** What may go from a namespace. */
export interface PruneScope {
  /** The namespace. */
  readonly namespace: string;
  /** Of one workflow; `null`: of all. */
  readonly workflow: string | null;
  /** Runs that ended until then go; `null`: none. */
  readonly runsBefore: number | null;
  /** How they must have ended. */
  readonly states: readonly EndState[];
  /** Generations that were over by then go, also those of runs that live on; `null`: none. */
  readonly generationsBefore: number | null;
}

/** A place in the order in which runs are looked at: by creation. */
export interface PrunePlace {
  /** When the run was created. */
  readonly at: number;
  /** Its internal key. */
  readonly id: number;
}

/** Before all runs. */
export const FIRST_PLACE: PrunePlace = { at: 0, id: 0 };

/** How much is removed. */
export interface Pruned {
  /** Runs. */
  readonly runs: number;
  /** Earlier generations, those of the runs included. */
  readonly generations: number;
  /** Events. */
  readonly events: number;
  /** Idempotency keys. */
  readonly keys: number;
}

/** What one step came to. */
export interface PruneStep extends Pruned {
  /** Where to go on; `null`: there is nothing more. */
  readonly next: PrunePlace | null;
}

/** How a step is taken. */
export interface PruneStepOptions {
  /** At most how many runs. */
  readonly limit?: number;
  /** Removes nothing, and counts what would be removed. */
  readonly dryRun?: boolean;
  /** Removes nothing while another step with this option does. */
  readonly alone?: boolean;
}

/** Removal of data that has had its time. Each call is bounded, in what it reads and removes. */
export interface RetentionStore {
  /**
   * Looks at some runs, in the order of their creation, and removes what may go.
   *
   * @param scope What may go.
   * @param from Where to begin.
   * @returns What was removed, and where to go on; `null`: another removes at this moment.
   */
  step(
    scope: PruneScope,
    from: PrunePlace,
    options?: PruneStepOptions,
  ): Promise<PruneStep | null>;
  /**
   * Removes some results of activities, the oldest first, that were committed until `before`.
   *
   * @param name Of one activity; `null`: of all.
   * @returns How many, and whether there may be more; `null`: another removes at this moment.
   */
  results(
    namespace: string,
    name: string | null,
    before: number,
    options?: PruneStepOptions,
  ): Promise<{ readonly results: number; readonly more: boolean } | null>;
  /** All namespaces that have runs. */
  namespaces(): Promise<string[]>;
}
