/**
 * Runs that are parked: in production somebody looks after them, in a test nobody would.
 *
 * @module
 */

import type { Departure } from "../engine/departure.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { RunStore } from "../ports/store.ts";
import { RunParkedError } from "./errors.ts";

/** Tells of runs that are parked. */
export class ParkedRuns {
  readonly #watchers = new Set<(runId: string) => void>();

  /** A run has left the engine's memory. */
  note(run: ClaimedRun, departure: Departure): void {
    if (departure.kind !== "stuck") return;
    for (const watcher of this.#watchers) watcher(run.runId);
  }

  /**
   * Waits for a run's end, or for its being parked.
   *
   * @param runId The run.
   * @param runs Where it is.
   * @param end Its end.
   * @returns What `end` comes to.
   * @throws {RunParkedError} If it is parked, or was before.
   */
  async orEnd<T>(runId: string, runs: RunStore, end: Promise<T>): Promise<T> {
    const { promise: parked, reject } = Promise.withResolvers<never>();
    const look = async () => {
      const row = await runs.get(runId);
      if (row === null || row.stuckReason === null) return;
      reject(new RunParkedError(runId, row.state, row.stuckReason));
    };
    const watcher = (id: string) => void (id === runId && look().catch(reject));
    this.#watchers.add(watcher);
    watcher(runId);
    try {
      return await Promise.race([end, parked]);
    } finally {
      this.#watchers.delete(watcher);
    }
  }
}
