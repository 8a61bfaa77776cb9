/**
 * Paranoid mode: replays ended runs, to check that they would have behaved the same after a crash.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import type { Exit } from "../ports/exit.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { Store } from "../ports/store.ts";
import type { TestVersions } from "./definitions.ts";
import { readHistory } from "./history.ts";
import { type ReplayOptions, replayWithCuts } from "./replay.ts";

/** Replays the runs that have ended. */
export class ReplayChecker {
  readonly #store: Store;
  readonly #versions: TestVersions;
  readonly #options: ReplayOptions;
  /** Runs that ended in the engine's memory. */
  readonly #ended: ClaimedRun[] = [];

  /**
   * @param store Reads the runs.
   * @param versions Obtains their code.
   * @param options How executions drain their microtasks, and how large values may be.
   */
  constructor(store: Store, versions: TestVersions, options: ReplayOptions) {
    this.#store = store;
    this.#versions = versions;
    this.#options = options;
  }

  /** Records a run that has left the engine's memory. */
  note(run: ClaimedRun, exit: Exit): void {
    if (exit.kind === "ended") this.#ended.push(run);
  }

  /**
   * Replays every run that has ended.
   *
   * @throws {ReplayError} If a run does not replay. If several don't, an `AggregateError` of these
   * errors is thrown.
   */
  async verify(): Promise<void> {
    const errors: unknown[] = [];
    for (const { runId, namespace } of this.#ended) {
      const history = await readHistory(runId, this.#store.runs.in(namespace)).catch(unlessGone);
      if (history === null) continue;
      const { definition } = await this.#versions.obtain(history.version);
      await replayWithCuts(definition, history, this.#options).catch((error) => errors.push(error));
    }
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} runs do not replay`);
    if (errors.length === 1) throw errors[0];
  }
}

/** Returns `null` for a run that the test has removed. */
function unlessGone(error: unknown): null {
  if (isContinuumError(error, "RUN_NOT_FOUND")) return null;
  throw error;
}
