/**
 * Runs that are parked: in production an operator looks after them, in a test no one would.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import type { Exit } from "../ports/exit.ts";
import type { ClaimedRun, RunState } from "../ports/rows.ts";
import type { RunStore } from "../ports/store.ts";
import { RunParkedError } from "./errors.ts";

/** Tells of runs that are parked. */
export class ParkedRuns {
  readonly #watchers = new Set<(runId: string) => void>();

  /** A run has left the engine's memory. */
  note(run: ClaimedRun, exit: Exit): void {
    if (exit.kind !== "stuck") return;
    for (const watcher of this.#watchers) watcher(run.runId);
  }

  /**
   * Waits for something of a run, unless it is parked.
   *
   * @param runId The run.
   * @param runs Where it is.
   * @param awaited What is waited for.
   * @param states Parked states that the test expects.
   * @returns What `awaited` comes to.
   * @throws {RunParkedError} If it is parked, or was before, in another state.
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
