/**
 * Starting runs: concurrent starts of a process go to the database in one statement.
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

  /** @param runs Where to. */
  constructor(runs: RunStore) {
    this.#runs = runs;
    this.#batcher = new Batcher((runs) => this.#insert(runs));
  }

  /**
   * Inserts a run.
   *
   * @param run The run.
   * @returns What became of it.
   */
  async insert(run: NewRun): Promise<InsertedRun> {
    const started = await this.#batcher.add(run);
    if ("error" in started) throw started.error;
    return started.run;
  }

  /** A run that the database refuses must not take others with it: it is looked for by halving. */
  async #insert(runs: readonly NewRun[]): Promise<readonly Started[]> {
    try {
      return (await this.#runs.insert(runs)).map((run) => ({ run }));
    } catch (error) {
      // What passes is no run's fault, and would pass for none of them alone.
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
