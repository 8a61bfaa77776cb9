/**
 * Paranoid mode: what has ended is replayed, to see whether it would have gone the same way after a
 * crash.
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
   * @param store Where the runs are.
   * @param versions Where their code is.
   * @param options How executions drain their microtasks, and how large values may be.
   */
  constructor(store: Store, versions: TestVersions, options: ReplayOptions) {
    this.#store = store;
    this.#versions = versions;
    this.#options = options;
  }

  /** A run has left the engine's memory. */
  note(run: ClaimedRun, exit: Exit): void {
    if (exit.kind === "ended") this.#ended.push(run);
  }

  /**
   * Replays every run that has ended.
   *
   * @throws {ReplayError} If one does not replay. An `AggregateError` of these for several.
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

/** A test may remove runs. */
function unlessGone(error: unknown): null {
  if (isContinuumError(error, "RUN_NOT_FOUND")) return null;
  throw error;
}
