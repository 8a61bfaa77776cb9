/**
 * Waiting for runs to end, wherever they are executed.
 *
 * The database is asked once, with the run marked as watched, so that its end is told to other
 * processes; then a hint or a departure makes it ask again. A slow poll is the backstop for hints
 * that were lost, and for a database that was away: waiting outlives that.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";
import { isContinuumError } from "../base/errors.ts";
import type { RunRow } from "../ports/rows.ts";
import type { RunStore } from "../ports/store.ts";
import { ClosedError, RunNotFoundError } from "./errors.ts";

/** Waits for runs to end. */
export class Ends {
  readonly #runs: RunStore;
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #due: () => void;
  readonly #waiting = new Map<string, Set<() => void>>();
  #isClosed = false;

  /**
   * @param runs Where runs are.
   * @param clock Times the poll.
   * @param pollMs Milliseconds between two polls of one wait.
   * @param due Tells whoever executes runs that one may be due.
   */
  constructor(runs: RunStore, clock: Clock, pollMs: number, due: () => void) {
    this.#runs = runs;
    this.#clock = clock;
    this.#pollMs = pollMs;
    this.#due = due;
  }

  /** That run may have ended. */
  tell(runId: string): void {
    for (const wake of this.#waiting.get(runId) ?? []) wake();
  }

  /** Any run may have ended: hints were lost. */
  tellAll(): void {
    for (const runId of this.#waiting.keys()) this.tell(runId);
  }

  /** Ends every wait: there is nobody left to ask. */
  close(): void {
    this.#isClosed = true;
    this.tellAll();
  }

  /**
   * Waits until a run has ended.
   *
   * @param runId The run.
   * @param signal Gives up the wait.
   * @param runs Where the run is, if in another namespace. Hints go by the id alone: one too many
   * costs a look.
   * @returns Its row, in a state that nothing leaves.
   * @throws {RunNotFoundError} If there is no such run. {ClosedError} After `close()`. The signal's
   * reason when it aborts.
   */
  async wait(
    runId: string,
    signal: AbortSignal | undefined,
    runs: RunStore = this.#runs,
  ): Promise<RunRow> {
    let told = Promise.withResolvers<void>();
    const wake = () => told.resolve();
    const group = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, group.add(wake));
    signal?.addEventListener("abort", wake);
    try {
      for (let isFirst = true;; isFirst = false) {
        signal?.throwIfAborted();
        if (this.#isClosed) throw new ClosedError("wait for a result");
        told = Promise.withResolvers();
        const row = await this.#ask(runId, runs);
        if (row === null) throw new RunNotFoundError(runId, "wait for a result");
        if (row !== undefined && row.endedAt !== null) return row;
        if (isFirst && row !== undefined && mayBeDue(row)) this.#due();
        if (signal?.aborted !== true && !this.#isClosed) await this.#rest(told.promise);
      }
    } finally {
      signal?.removeEventListener("abort", wake);
      group.delete(wake);
      if (group.size === 0) this.#waiting.delete(runId);
    }
  }

  /** `undefined`: the database is away. */
  async #ask(runId: string, runs: RunStore): Promise<RunRow | null | undefined> {
    try {
      return await runs.get(runId, { watch: true });
    } catch (error) {
      if (isContinuumError(error, "DATABASE_UNAVAILABLE")) return undefined;
      throw error;
    }
  }

  async #rest(told: Promise<void>): Promise<void> {
    const { promise: polled, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(this.#pollMs, resolve);
    await Promise.race([told, polled]);
    timer.cancel();
  }
}

/**
 * Whether nobody holds a run that is due. The mark that watches it locks its row for a moment, and
 * claimers skip locked rows: who marks it says that it is due. Clocks that differ cost a hint.
 */
function mayBeDue({ node, wakeAt }: RunRow): boolean {
  return node === null && wakeAt !== null && wakeAt <= Date.now() + CLOCKS_DIFFER_MS;
}

const CLOCKS_DIFFER_MS = 1_000;
