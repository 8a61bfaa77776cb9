/**
 * Waits for runs to end, to reach a state, to answer an ask or to publish a value, on whichever node
 * they execute.
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

import { runNotFound } from "../../base/run_errors.ts";
import type { Clock } from "../../base/clock.ts";
import { isContinuumError } from "../../base/errors.ts";
import type { AskRow, PublishedRow } from "../../ports/answers.ts";
import { END_STATES, type RunRow, type RunState } from "../../ports/rows.ts";
import type { LocalNotice, RunStore } from "../../ports/store.ts";
import { ClosedError } from "../../store/errors.ts";
import type { WakeupReceiver, Wakeups } from "../../store/wakeups.ts";

/** Poll intervals of one run, in milliseconds. */
export interface PollTimes {
  /** For states that the executing process announces to others: ends and parking. */
  readonly announced: number;
  /** For states that are announced only inside the executing process. */
  readonly transient: number;
}

/** How often a run that is awaited is polled, unless a test says otherwise. */
export const POLLS: PollTimes = { announced: 2_000, transient: 250 };

/** One wait. */
interface Look<Found> {
  /** What is done, for errors. */
  readonly action: string;
  /** Looks for what is awaited; `undefined`: it is not there yet. */
  readonly find: (isFirst: boolean) => Promise<Found | undefined>;
  /** Whether it may be announced only inside the executing process. */
  readonly isTransient: boolean;
  /** The ask whose answer is awaited, or the value, if any. */
  readonly said?: AwaitedSaying;
  /**
   * Called when the wait would be woken, before it looks. Returns whether what is awaited may be
   * there by now, without a wake-up.
   */
  readonly begin?: () => Promise<boolean>;
}

interface Waiting {
  readonly wake: () => void;
  readonly isTransient: boolean;
  readonly said: AwaitedSaying | undefined;
}

/** The ask whose answer is awaited, or the value. */
interface AwaitedSaying {
  /** The id of the ask, or the name of the value. */
  readonly name: string;
  readonly namespace: string;
  /** Receives an answer without a look at the database. */
  readonly hear?: (row: AskRow) => void;
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

  /** Wakes the waits for the run of a notice: they read it again, unless it says all. */
  receive(notice: LocalNotice): boolean {
    switch (notice.kind) {
      case "ended":
        return this.#wake(notice.runId);
      case "moved":
        return this.#wake(notice.runId, ({ isTransient }) => isTransient);
      case "said":
        return this.#wake(notice.runId, ({ said }) => {
          if (said?.name !== notice.name) return false;
          const { answer } = notice;
          if (answer?.namespace === said.namespace) said.hear?.(answer.row);
          return true;
        });
    }
    return false;
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
    return await this.#wait(runId, signal, {
      action: "wait for a result",
      isTransient: false,
      find: async (isFirst) => {
        const row = await runs.get(runId, { watch: true });
        if (row === null) throw runNotFound(runId, "wait for a result");
        if (row.endedAt !== null) return row;
        if (isFirst && mayBeDue(row)) this.#wakeups.due();
      },
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
    const isTransient = [...states].some((state) => !ANNOUNCED.has(state));
    return await this.#wait(runId, signal, {
      action: "wait for a state",
      isTransient,
      find: async (isFirst) => {
        const row = await runs.get(runId, { watch: !isTransient });
        if (row === null) throw runNotFound(runId, "wait for a state");
        if (states.has(row.state) || row.endedAt !== null) return row;
        if (isFirst && !isTransient && mayBeDue(row)) this.#wakeups.due();
      },
    });
  }

  /**
   * Waits until an ask has been answered, or can't be any more.
   *
   * @param runId The run.
   * @param ask The id of the ask.
   * @param signal Aborts the wait.
   * @param runs Reads the answer.
   * @param send Sends the ask; returns whether it had been sent before.
   * @returns What is known of the ask, which is not open.
   * @throws The errors of {@linkcode RunWaiter.wait}, and those of `send`.
   */
  async answer(
    runId: string,
    ask: string,
    signal: AbortSignal,
    runs: RunStore,
    send: () => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<AskRow> {
    let heard: AskRow | undefined;
    return await this.#wait(runId, signal, {
      begin: send,
      action: "wait for an answer",
      isTransient: false,
      said: { name: ask, namespace: runs.namespace, hear: (row) => heard = row },
      find: async () => {
        const row = heard ?? await runs.answer(runId, ask);
        if (row === null) throw runNotFound(runId, "wait for an answer");
        return row.status === "open" ? undefined : row;
      },
    });
  }

  /**
   * Waits until a run has published a value, or has ended without it.
   *
   * @param runId The run.
   * @param name The name of the value.
   * @param signal Aborts the wait.
   * @param runs Reads the value.
   * @returns What is known of the value, which is not open.
   * @throws The errors of {@linkcode RunWaiter.wait}.
   */
  async published(
    runId: string,
    name: string,
    signal: AbortSignal,
    runs: RunStore,
  ): Promise<PublishedRow> {
    const action = "wait for a value";
    const find = async () => {
      const row = await runs.published(runId, name);
      if (row === null) throw runNotFound(runId, action);
      return row.status === "open" ? undefined : row;
    };
    return await this.#wait(runId, signal, {
      action,
      isTransient: false,
      said: { name, namespace: runs.namespace },
      find: async (isFirst) => {
        const found = await find();
        if (found !== undefined || !isFirst) return found;
        await runs.get(runId, { watch: true }); // from now on, other processes announce it
        return await find();
      },
    });
  }

  /** Returns whether a wait was woken. */
  #wake(runId: string, isMeant: (waiting: Waiting) => boolean = () => true): boolean {
    let isHeard = false;
    for (const waiting of this.#waiting.get(runId) ?? []) {
      if (!isMeant(waiting)) continue;
      isHeard = true;
      waiting.wake();
    }
    return isHeard;
  }

  async #wait<Found>(
    runId: string,
    signal: AbortSignal,
    { action, find, isTransient, said, begin }: Look<Found>,
  ): Promise<Found> {
    let woken = Promise.withResolvers<void>();
    const waiter = { wake: () => woken.resolve(), isTransient, said };
    const group = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, group.add(waiter));
    signal.addEventListener("abort", waiter.wake);
    try {
      let mayBeThere = await begin?.() ?? true;
      for (let isFirst = true;; isFirst = false) {
        signal.throwIfAborted();
        if (this.#isClosed) throw new ClosedError(action);
        if (mayBeThere) {
          woken = Promise.withResolvers();
          const found = await this.#try(() => find(isFirst));
          if (found !== undefined) return found;
        }
        mayBeThere = true;
        if (!signal.aborted && !this.#isClosed) await this.#sleep(woken.promise, isTransient);
      }
    } finally {
      signal.removeEventListener("abort", waiter.wake);
      group.delete(waiter);
      if (group.size === 0) this.#waiting.delete(runId);
    }
  }

  /** Returns `undefined` if the database is unavailable or closed. */
  async #try<Found>(find: () => Promise<Found | undefined>): Promise<Found | undefined> {
    try {
      return await find();
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
