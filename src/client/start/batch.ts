/**
 * Batches concurrent starts of a process into one statement.
 *
 * @module
 */

import { Batcher } from "../../base/batcher.ts";
import { isContinuumError } from "../../base/errors.ts";
import type { InsertedRun, NewRun } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";

type Started = { readonly run: InsertedRun } | { readonly error: unknown };

/** Inserts runs. */
export class StartBatch {
  readonly #runs: RunStore;
  readonly #batcher: Batcher<NewRun, Started>;

  /** @param runs The store that takes the runs. */
  constructor(runs: RunStore) {
    this.#runs = runs;
    this.#batcher = new Batcher((runs) => this.#insert(runs));
  }

  /**
   * Inserts a run.
   *
   * @param run The run.
   * @returns The outcome.
   */
  async insert(run: NewRun): Promise<InsertedRun> {
    const started = await this.#batcher.add(run);
    if ("error" in started) throw started.error;
    return started.run;
  }

  /**
   * Inserts a batch. If the database refuses it, each half is inserted alone, so that one refused
   * run does not fail the others.
   */
  async #insert(runs: readonly NewRun[]): Promise<readonly Started[]> {
    try {
      return (await this.#runs.insert(runs)).map((run) => ({ run }));
    } catch (error) {
      // A transient failure is not caused by one run, so halving would not help.
      if (runs.length === 1 || isContinuumError(error, "DATABASE_UNAVAILABLE")) {
        return runs.map(() => ({ error }));
      }
      const half = runs.length >> 1;
      return [
        ...await this.#insert(runs.slice(0, half)),
        ...await this.#insert(runs.slice(half)),
      ];
    }
  }
}
