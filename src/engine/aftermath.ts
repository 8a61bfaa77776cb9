/**
 * What ended runs have left to do: their parents are told, and their children's policies applied.
 * The node that ended a run looks at once; every node looks now and then, in case that one died.
 *
 * @module
 */

import type { WokenRun } from "../ports/lineage.ts";
import type { LineageStore } from "../ports/lineage.ts";
import { engineLog } from "./log.ts";

const BATCH = 100;

/** Settles ended runs; one look at a time, and one more for what comes meanwhile. */
export class Aftermath {
  readonly #lineage: LineageStore;
  readonly #woken: (runs: readonly WokenRun[]) => void;
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;

  /**
   * Prepares.
   *
   * @param lineage Where the runs are.
   * @param woken Told of runs that have work now.
   */
  constructor(lineage: LineageStore, woken: (runs: readonly WokenRun[]) => void) {
    this.#lineage = lineage;
    this.#woken = woken;
  }

  /** Looks now. */
  look(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#looking ??= this.#run().finally(() => this.#looking = undefined);
  }

  /** Looks no more; resolves when no look is under way. */
  async close(): Promise<void> {
    await this.#looking;
    this.#closed = true;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        const { settled, woken } = await this.#lineage.settleEnded(BATCH);
        if (woken.length > 0) this.#woken(woken);
        this.#again ||= settled === BATCH;
      } catch (error) {
        engineLog.warn("Cannot settle ended runs: {error}", { error });
      }
    }
  }
}
