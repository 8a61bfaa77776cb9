/**
 * The runs that are in this node's memory, and how many more may be.
 *
 * @module
 */

import type { Exit } from "../../ports/exit.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import type { HeldRun } from "../../ports/store.ts";
import type { TaskFence } from "../../ports/tasks.ts";
import type { Wakeups } from "../../store/wakeups.ts";
import type { Ending } from "../activity/running_attempt.ts";

const immediate: typeof setImmediate = setImmediate;

/** A run in memory. */
export interface Resident {
  /** The run, in its present generation. */
  readonly run: ClaimedRun;
  /** A message may have come, or the lease was renewed. */
  wake(options: { readonly message: boolean }): void;
  /** Another run needs the room: if this one only lingers, it leaves now. */
  leave(): void;
  /** Finishes what is under way, gives the run back, and leaves. */
  stop(): void;
  /** The lease is gone: leaves at once, and writes nothing. */
  drop(): void;
  /** As `TaskOwner.answer`, for an activity whose task waits as a row. */
  answerTask(fence: TaskFence, ending: Ending): boolean;
  /** Whether the answer of a task is on its way into the run's history. */
  writes(fence: TaskFence): boolean;
  /** Whether a cancellation of the run has reached the activity at a position. */
  gaveUp(position: number): boolean;
}

/** How much may be in memory. */
export interface ResidentLimits {
  /** The most runs at once. */
  readonly maxResidentRuns: number;
  /** How many bytes of histories there may be when another run is taken. */
  readonly maxResidentBytes: number;
}

/** The runs in memory. */
export class Residents {
  /** Those that only linger, the longest first: the first to leave when room is needed. */
  readonly lingering = new Set<Pick<Resident, "leave">>();
  readonly #wakeups: Wakeups;
  readonly #limits: ResidentLimits;
  readonly #byId = new Map<number, readonly [resident: Resident, left: Promise<Exit>]>();
  /** Of the histories in memory. */
  #bytes = 0;

  /**
   * @param wakeups Makes the node look for due runs once there is room again.
   * @param limits How much may be in memory.
   */
  constructor(wakeups: Wakeups, limits: ResidentLimits) {
    this.#wakeups = wakeups;
    this.#limits = limits;
  }

  /** How many runs are in memory. */
  get size(): number {
    return this.#byId.size;
  }

  /** How many more runs may be. */
  get room(): number {
    const { maxResidentRuns, maxResidentBytes } = this.#limits;
    return this.#bytes < maxResidentBytes ? maxResidentRuns - this.#byId.size : 0;
  }

  /** Asks runs that only linger to leave; the node looks for due runs when they have. */
  makeRoom(wanted: number): void {
    let asked = 0;
    for (const resident of this.lingering) {
      if (asked++ >= wanted) return;
      resident.leave();
    }
  }

  /** Bytes of histories have come into memory, or left it. */
  weigh(bytes: number): void {
    const { maxResidentBytes } = this.#limits;
    const wasFull = this.#bytes >= maxResidentBytes;
    this.#bytes += bytes;
    if (wasFull && this.#bytes < maxResidentBytes) this.#freed();
  }

  /**
   * A run has come into memory.
   *
   * @param resident The run.
   * @param left Resolves when it has left.
   */
  add(resident: Resident, left: Promise<Exit>): void {
    this.#byId.set(resident.run.id, [resident, left]);
  }

  /** A run has left memory. */
  remove(resident: Resident): void {
    const { id } = resident.run;
    if (this.get(id) === resident) this.#byId.delete(id);
  }

  /** Makes the node look for due runs if it was full until a moment ago. */
  checkRoom(): void {
    if (this.#byId.size === this.#limits.maxResidentRuns - 1) this.#freed();
  }

  /** A run, if it is in memory. */
  get(id: number): Resident | undefined {
    return this.#byId.get(id)?.[0];
  }

  /** All runs in memory, and when they will have left. */
  entries(): Iterable<readonly [resident: Resident, left: Promise<Exit>]> {
    return this.#byId.values();
  }

  /** Wakes runs that may have messages. */
  deliver(ids: readonly number[]): void {
    for (const id of ids) this.get(id)?.wake({ message: true });
  }

  /** The lease was renewed: wakes all runs. */
  wakeAll(): void {
    for (const [resident] of this.#byId.values()) resident.wake({ message: false });
  }

  /** The lease is gone: all runs leave at once. */
  dropAll(): void {
    for (const [resident] of this.#byId.values()) resident.drop();
    this.#byId.clear();
  }

  /** The runs in memory, as the database should know them. */
  held(): HeldRun[] {
    return Array.from(this.#byId.values(), ([{ run: { id, token } }]) => ({
      id,
      token,
    }));
  }

  /** Runs that leave in one tick are replaced together. */
  #freed(): void {
    immediate(() => this.#wakeups.receive({ kind: "due" }));
  }
}
