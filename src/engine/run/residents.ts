/**
 * Keeps the runs in this node's memory, and knows how many more there is room for.
 *
 * - ROOM-1: while due runs lack room, none lingers: those that do leave at once, and so do those that
 *   would begin to, as many as room was wanted for.
 *
 * @module
 */

import type { Exit } from "../../ports/exit.ts";
import type { ClaimedRun, StuckReason } from "../../ports/rows.ts";
import type { HeldRun } from "../../ports/store.ts";
import type { TaskFence } from "../../ports/tasks.ts";
import type { AttemptFacts, AttemptTelemetry } from "../../ports/telemetry.ts";
import type { Wakeups } from "../../store/wakeups.ts";
import type { Ending } from "../activity/running_attempt.ts";

const immediate: typeof setImmediate = setImmediate;

/** A run in memory. */
export interface Resident {
  /** The run, in its present generation. */
  readonly run: ClaimedRun;
  /** Called when a message may have arrived, or the lease was renewed. */
  wake(options: { readonly message: boolean }): void;
  /** Called when another run needs the room: if this one only lingers, it leaves now. */
  leave(): void;
  /** Finishes the work under way, releases the run, and leaves. */
  stop(): void;
  /**
   * As {@linkcode Resident.stop}, but parks the run if it has nothing under way.
   *
   * @param reason Why it is parked, as `stuck_unknown_version`.
   */
  park(reason: StuckReason): void;
  /** Called when the lease is lost: leaves at once, and writes nothing. */
  drop(): void;
  /** Like `TaskOwner.answer`, for an activity whose task waits as a row. */
  answerTask(fence: TaskFence, ending: Ending): boolean;
  /** Observes an attempt of a task; `undefined`: the run does not ask for it here. */
  traced(position: number, facts: Omit<AttemptFacts, "stack">): AttemptTelemetry | undefined;
  /** Whether the result of a task is about to be written into the run's history. */
  writes(fence: TaskFence): boolean;
  /** Whether a cancellation of the run has reached the activity at a position. */
  gaveUp(position: number): boolean;
}

/** The limits of the memory. */
export interface ResidentLimits {
  /** The most runs at once. */
  readonly maxResidentRuns: number;
  /** The node claims another run only if the histories take at most this many bytes. */
  readonly maxResidentBytes: number;
}

/** The runs in memory. */
export class Residents {
  /** The runs that only linger, the longest first: they leave first when room is needed. */
  readonly #lingering = new Set<Pick<Resident, "leave">>();
  /** For how many runs room is wanted that none has yet been asked to make (ROOM-1). */
  #wanted = 0;
  readonly #wakeups: Wakeups;
  readonly #limits: ResidentLimits;
  readonly #byId = new Map<number, readonly [resident: Resident, left: Promise<Exit>]>();
  /** The bytes of the histories in memory. */
  #bytes = 0;

  /**
   * @param wakeups Makes the node poll for due runs once there is room again.
   * @param limits The limits of the memory.
   */
  constructor(wakeups: Wakeups, limits: ResidentLimits) {
    this.#wakeups = wakeups;
    this.#limits = limits;
  }

  /** How many runs are in memory. */
  get size(): number {
    return this.#byId.size;
  }

  /** How many more runs there is room for. */
  get room(): number {
    const { maxResidentRuns, maxResidentBytes } = this.#limits;
    return this.#bytes < maxResidentBytes ? maxResidentRuns - this.#byId.size : 0;
  }

  /**
   * Makes runs that only linger leave, now or once they would begin to (ROOM-1); the node polls for
   * due runs when they have left.
   *
   * @param wanted For how many runs; 0: no due run lacks room any longer.
   */
  makeRoom(wanted: number): void {
    this.#wanted = wanted;
    for (const resident of this.#lingering) {
      if (this.#wanted === 0) return;
      this.#wanted--;
      resident.leave();
    }
  }

  /**
   * Lets a run linger.
   *
   * @param resident The run.
   * @returns Ends it; `undefined`: room is wanted, so the run leaves (ROOM-1).
   */
  linger(resident: Pick<Resident, "leave">): Disposable | undefined {
    if (this.#wanted > 0) {
      this.#wanted--;
      return undefined;
    }
    this.#lingering.add(resident);
    return { [Symbol.dispose]: () => void this.#lingering.delete(resident) };
  }

  /** Adds or subtracts bytes of histories. */
  weigh(bytes: number): void {
    const { maxResidentBytes } = this.#limits;
    const wasFull = this.#bytes >= maxResidentBytes;
    this.#bytes += bytes;
    if (wasFull && this.#bytes < maxResidentBytes) this.#freed();
  }

  /**
   * Adds a run.
   *
   * @param resident The run.
   * @param left Resolves when it has left.
   */
  add(resident: Resident, left: Promise<Exit>): void {
    this.#byId.set(resident.run.id, [resident, left]);
  }

  /** Removes a run that has left memory. */
  remove(resident: Resident): void {
    const { id } = resident.run;
    if (this.get(id) === resident) this.#byId.delete(id);
  }

  /** Makes the node poll for due runs if it has just become able to take one. */
  checkRoom(): void {
    if (this.#byId.size === this.#limits.maxResidentRuns - 1) this.#freed();
  }

  /** Returns a run, if it is in memory. */
  get(id: number): Resident | undefined {
    return this.#byId.get(id)?.[0];
  }

  /** Returns all runs in memory, with promises that resolve when they have left. */
  entries(): Iterable<readonly [resident: Resident, left: Promise<Exit>]> {
    return this.#byId.values();
  }

  /** Wakes runs that may have messages. */
  deliver(ids: readonly number[]): void {
    for (const id of ids) this.get(id)?.wake({ message: true });
  }

  /** Wakes all runs, since the lease was renewed. */
  wakeAll(): void {
    for (const [resident] of this.#byId.values()) resident.wake({ message: false });
  }

  /** Makes all runs leave at once, since the lease is lost. */
  dropAll(): void {
    for (const [resident] of this.#byId.values()) resident.drop();
    this.#byId.clear();
  }

  /** Returns the runs in memory, for the comparison with the database. */
  held(): HeldRun[] {
    return Array.from(this.#byId.values(), ([{ run: { id, token } }]) => ({
      id,
      token,
    }));
  }

  /** Polls once for all runs that leave in one tick. */
  #freed(): void {
    immediate(() => this.#wakeups.receive({ kind: "due" }));
  }
}
