/**
 * Waits for runs to end or to reach a state, on whichever node they execute.
 *
 * A wait reads the run once and marks it as watched, so that the executing node announces its end
 * or its parking to other processes. A notification or the run's exit then makes the wait read
 * again. A slow poll covers lost notifications and times when the database was unavailable: waits
 * survive those.
 *
 * Transient states are announced only inside the executing process: a notification for each
 * suspension would cost too much. A waiter for such a state polls faster, and does not mark the
 * run.
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
  /** For states that the executing process announces to others: ends and parking. */
  readonly announced: number;
  /** For states that are announced only inside the executing process. */
  readonly transient: number;
}

/** How often a run that is awaited is polled, unless a test says otherwise. */
export const POLLS: PollTimes = { announced: 2_000, transient: 250 };

/** The condition of one wait. */
interface Wanted {
  readonly action: string;
  readonly isThere: (row: RunRow) => boolean;
  /** Whether one of the wanted states is transient. */
  readonly isTransient: boolean;
}

interface Waiting {
  readonly wake: () => void;
  readonly isTransient: boolean;
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
   * @param runs Reads runs.
   * @param clock Times the polls.
   * @param polls How often one wait polls.
   * @param wakeups Passes on which runs may have changed, and notifies nodes of runs that may be
   * due.
   */
  constructor(runs: RunStore, clock: Clock, polls: PollTimes, wakeups: Wakeups) {
    this.#runs = runs;
    this.#clock = clock;
    this.#polls = polls;
    this.#wakeups = wakeups;
    wakeups.add(this);
  }

  /** Wakes the waits for the run of a notice: they read it again. */
  receive(notice: LocalNotice): void {
    if (notice.kind === "ended") this.#wake(notice.runId);
    else if (notice.kind === "moved") this.#wake(notice.runId, { transient: true });
  }

  /** Wakes every wait, since notifications may have been lost. */
  catchUp(): void {
    for (const runId of this.#waiting.keys()) this.#wake(runId);
  }

  /** Ends every wait, since the database is closed. */
  close(): void {
    this.#isClosed = true;
    this.catchUp();
  }

  /**
   * Waits until a run has ended.
   *
   * @param runId The run.
   * @param signal Aborts the wait.
   * @param runs Reads the run, if it is in another namespace. Notifications carry the id alone, so
   * a run of the same id in another namespace may cost one needless read.
   * @returns Its row, in an end state.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {ClosedError} After `close()`. The signal's reason when it aborts.
   */
  async wait(runId: string, signal: AbortSignal, runs: RunStore = this.#runs): Promise<RunRow> {
    const isThere = ({ endedAt }: RunRow) => endedAt !== null;
    return await this.#wait(runId, signal, runs, {
      action: "wait for a result",
      isThere,
      isTransient: false,
    });
  }

  /**
   * Waits until a run is in one of some states, or has ended in another.
   *
   * @param runId The run.
   * @param states The states.
   * @param signal Aborts the wait.
   * @param runs Reads the run.
   * @returns Its row.
   * @throws The errors of {@linkcode RunWaiter.wait}.
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
      isTransient: [...states].some((state) => !ANNOUNCED.has(state)),
    });
  }

  #wake(runId: string, only?: { readonly transient: true }): void {
    for (const { wake, isTransient } of this.#waiting.get(runId) ?? []) {
      if (only === undefined || isTransient) wake();
    }
  }

  async #wait(
    runId: string,
    signal: AbortSignal,
    runs: RunStore,
    { action, isThere, isTransient }: Wanted,
  ): Promise<RunRow> {
    let woken = Promise.withResolvers<void>();
    const waiter = { wake: () => woken.resolve(), isTransient };
    const group = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, group.add(waiter));
    signal.addEventListener("abort", waiter.wake);
    try {
      for (let isFirst = true;; isFirst = false) {
        signal.throwIfAborted();
        if (this.#isClosed) throw new ClosedError(action);
        woken = Promise.withResolvers();
        const row = await this.#read(runId, runs, !isTransient);
        if (row === null) throw runNotFound(runId, action);
        if (row !== undefined && isThere(row)) return row;
        if (isFirst && !isTransient && row !== undefined && mayBeDue(row)) this.#wakeups.due();
        if (!signal.aborted && !this.#isClosed) await this.#sleep(woken.promise, isTransient);
      }
    } finally {
      signal.removeEventListener("abort", waiter.wake);
      group.delete(waiter);
      if (group.size === 0) this.#waiting.delete(runId);
    }
  }

  /** Returns `undefined` if the database is unavailable or closed. */
  async #read(runId: string, runs: RunStore, watch: boolean): Promise<RunRow | null | undefined> {
    try {
      return await runs.get(runId, { watch });
    } catch (error) {
      if (this.#isClosed || isContinuumError(error, "DATABASE_UNAVAILABLE")) return undefined;
      throw error;
    }
  }

  async #sleep(woken: Promise<void>, isTransient: boolean): Promise<void> {
    const { promise: polled, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(this.#polls[isTransient ? "transient" : "announced"], resolve);
    await Promise.race([woken, polled]);
    timer.cancel();
  }
}

/** The states of a watched run that are announced to other processes. */
const ANNOUNCED: ReadonlySet<RunState> = new Set<RunState>([
  ...END_STATES,
  "stuck_unknown_version",
  "stuck_nondeterminism",
  "stuck_poisoned",
]);

/**
 * Whether a run may be due and unclaimed. Marking it as watched locks its row for a moment, and
 * claims skip locked rows, so the process that marks it notifies the nodes that it is due. If
 * clocks differ, this costs one needless notification.
 */
function mayBeDue({ node, wakeAt }: RunRow): boolean {
  return node === null && wakeAt !== null && wakeAt <= Date.now() + CLOCKS_DIFFER_MS;
}

const CLOCKS_DIFFER_MS = 1_000;
