/**
 * Fails waits for parked runs: in production an operator releases such a run, in a test it would
 * wait for ever.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import type { Exit } from "../ports/exit.ts";
import type { ClaimedRun, RunState } from "../ports/rows.ts";
import type { RunStore } from "../ports/store.ts";
import { RunParkedError } from "./errors.ts";

/** Watches for runs that are parked. */
export class ParkedRuns {
  readonly #watchers = new Set<(runId: string) => void>();

  /** Receives a run that has left the engine's memory. */
  note(run: ClaimedRun, exit: Exit): void {
    if (exit.kind !== "stuck") return;
    for (const watcher of this.#watchers) watcher(run.runId);
  }

  /**
   * Waits for a promise about a run, unless the run is parked.
   *
   * @param runId The run.
   * @param runs Reads the run.
   * @param awaited The promise.
   * @param states Parked states that the test expects.
   * @returns The result of `awaited`.
   * @throws {RunParkedError} If the run is parked in another state, or was before.
   */
  async unless<T>(
    runId: string,
    runs: RunStore,
    awaited: Promise<T>,
    states: readonly RunState[],
  ): Promise<T> {
    const { promise: parked, reject } = Promise.withResolvers<never>();
    const look = async () => {
      const row = await runs.get(runId);
      if (row === null || row.stuckReason === null || states.includes(row.state)) return;
      reject(new RunParkedError(runId, row.state, row.stuckReason));
    };
    const watcher = (id: string) => {
      if (id === runId) inBackground(look(), reject);
    };
    this.#watchers.add(watcher);
    watcher(runId);
    try {
      return await Promise.race([awaited, parked]);
    } finally {
      this.#watchers.delete(watcher);
    }
  }
}
