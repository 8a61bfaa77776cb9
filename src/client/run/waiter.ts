/**
 * Waiting for runs to end, or to come to a state, wherever they are executed.
 *
 * The database is asked once, with the run marked as watched, so that its end, or its being parked,
 * is reported to other processes; then a hint or the run's exit makes it ask again. A slow poll is
 * the backstop for hints that were lost, and for a database that was unavailable: waits outlive
 * that.
 *
 * Transient states are reported only inside the executing process: a notification would cost
 * every suspension. A waiter for such a state polls faster, and marks nothing.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { isContinuumError } from "../../base/errors.ts";
import { END_STATES, type RunRow, type RunState } from "../../ports/rows.ts";
import type { LocalNotice, RunStore } from "../../ports/store.ts";
import { ClosedError } from "../../store/errors.ts";
import type { WakeupReceiver, Wakeups } from "../../store/wakeups.ts";
import { runNotFound } from "../errors.ts";

/** Poll intervals of one run, in milliseconds. */
export interface PollTimes {
  /** For states that the executing process reports to others: ends and parking. */
  readonly told: number;
  /** For states that are reported only inside the executing process. */
  readonly passing: number;
}

/** What one wait is for. */
interface Wanted {
  readonly action: string;
  readonly isThere: (row: RunRow) => boolean;
  /** Whether it may be a state that runs pass through. */
  readonly isPassing: boolean;
}

interface Waiting {
  readonly wake: () => void;
  readonly isPassing: boolean;
}

/** Waits for runs. */
export class RunWaiter implements WakeupReceiver {
  readonly #runs: RunStore;
  readonly #clock: Clock;
  readonly #polls: PollTimes;
  readonly #wakeups: Wakeups;
  readonly #waiting = new Map<string, Set<Waiting>>();
  #isClosed = false;

  /**
   * @param runs Where runs are.
   * @param clock Times the polls.
   * @param polls How often one wait polls.
   * @param wakeups Notifies it of runs that may have moved, and nodes of runs that may be due.
   */
  constructor(runs: RunStore, clock: Clock, polls: PollTimes, wakeups: Wakeups) {
    this.#runs = runs;
    this.#clock = clock;
    this.#polls = polls;
    this.#wakeups = wakeups;
    wakeups.add(this);
  }

  /** Ends the waits that a notice is for: they look at their runs. */
  receive(notice: LocalNotice): void {
    if (notice.kind === "ended") this.#wake(notice.runId);
    else if (notice.kind === "moved") this.#wake(notice.runId, { passing: true });
  }

  /** Notifications may have been lost: every wait looks at its run. */
  catchUp(): void {
    for (const runId of this.#waiting.keys()) this.#wake(runId);
  }

  /** Ends every wait, since the database can be asked no more. */
  close(): void {
    this.#isClosed = true;
    this.catchUp();
  }

  /**
   * Waits until a run has ended.
   *
   * @param runId The run.
   * @param signal Gives up the wait.
   * @param runs Where the run is, if in another namespace. Hints go by the id alone: one too many
   * costs a look.
   * @returns Its row, in a state that nothing leaves.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {ClosedError} After `close()`. The signal's reason when it aborts.
   */
  async wait(runId: string, signal: AbortSignal, runs: RunStore = this.#runs): Promise<RunRow> {
    const isThere = ({ endedAt }: RunRow) => endedAt !== null;
    return await this.#wait(runId, signal, runs, {
      action: "wait for a result",
      isThere,
      isPassing: false,
    });
  }

  /**
   * Waits until a run is in one of some states, or has ended in another.
   *
   * @param runId The run.
   * @param states Which.
   * @param signal Gives up the wait.
   * @param runs Where the run is.
   * @returns Its row.
   * @throws As {@linkcode RunWaiter.wait}.
   */
  async reach(
    runId: string,
    states: ReadonlySet<RunState>,
    signal: AbortSignal,
    runs: RunStore,
  ): Promise<RunRow> {
    return await this.#wait(runId, signal, runs, {
      action: "wait for a state",
      isThere: ({ state, endedAt }) => states.has(state) || endedAt !== null,
      isPassing: [...states].some((state) => !TOLD.has(state)),
    });
  }

  #wake(runId: string, only?: { readonly passing: true }): void {
    for (const { wake, isPassing } of this.#waiting.get(runId) ?? []) {
      if (only === undefined || isPassing) wake();
    }
  }

  async #wait(
    runId: string,
    signal: AbortSignal,
    runs: RunStore,
    { action, isThere, isPassing }: Wanted,
  ): Promise<RunRow> {
    let told = Promise.withResolvers<void>();
    const waiter = { wake: () => told.resolve(), isPassing };
    const group = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, group.add(waiter));
    signal.addEventListener("abort", waiter.wake);
    try {
      for (let isFirst = true;; isFirst = false) {
        signal.throwIfAborted();
        if (this.#isClosed) throw new ClosedError(action);
        told = Promise.withResolvers();
        const row = await this.#ask(runId, runs, !isPassing);
        if (row === null) throw runNotFound(runId, action);
        if (row !== undefined && isThere(row)) return row;
        if (isFirst && !isPassing && row !== undefined && mayBeDue(row)) this.#wakeups.due();
        if (!signal.aborted && !this.#isClosed) await this.#rest(told.promise, isPassing);
      }
    } finally {
      signal.removeEventListener("abort", waiter.wake);
      group.delete(waiter);
      if (group.size === 0) this.#waiting.delete(runId);
    }
  }

  /** `undefined`: the database is away, or was closed. */
  async #ask(runId: string, runs: RunStore, watch: boolean): Promise<RunRow | null | undefined> {
    try {
      return await runs.get(runId, { watch });
    } catch (error) {
      if (this.#isClosed || isContinuumError(error, "DATABASE_UNAVAILABLE")) return undefined;
      throw error;
    }
  }

  async #rest(told: Promise<void>, isPassing: boolean): Promise<void> {
    const { promise: polled, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(this.#polls[isPassing ? "passing" : "told"], resolve);
    await Promise.race([told, polled]);
    timer.cancel();
  }
}

/** What a run that is watched tells of. */
const TOLD: ReadonlySet<RunState> = new Set<RunState>([
  ...END_STATES,
  "stuck_unknown_version",
  "stuck_nondeterminism",
  "stuck_poisoned",
]);

/**
 * Whether a due run is unclaimed. The mark that watches it locks its row for a moment, and
 * claimers skip locked rows: so the process that marks it reports it as due. Clocks that differ
 * cost a hint.
 */
function mayBeDue({ node, wakeAt }: RunRow): boolean {
  return node === null && wakeAt !== null && wakeAt <= Date.now() + CLOCKS_DIFFER_MS;
}

const CLOCKS_DIFFER_MS = 1_000;
