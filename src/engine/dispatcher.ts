/**
 * Finds due runs and hands them to executors. It is told when to look: by a hint, by the time at
 * which a run of this node falls due, and by each heartbeat, the backstop for hints that were lost.
 *
 * - D1: claims only what there is room for.
 * - D2: one look at a time; what comes meanwhile causes one more.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";
import { failPoint } from "../base/failpoint.ts";
import type { ClaimedRun } from "../ports/rows.ts";
import type { RunStore } from "../ports/store.ts";
import type { DatabaseClock } from "./database_clock.ts";
import { engineLog } from "./log.ts";
import type { NodeLease } from "./node_lease.ts";

/** What a dispatcher needs. */
export interface DispatcherOptions {
  /** Where the runs are. */
  readonly runs: RunStore;
  /** The node that claims. */
  readonly lease: NodeLease;
  /** Times the next look. */
  readonly clock: Clock;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** How many runs there is room for now. */
  readonly room: () => number;
  /** Asks runs that only linger to leave; a look follows when they have. */
  readonly makeRoom: (wanted: number) => void;
  /** Versions that this node leaves alone. */
  readonly excluded: () => readonly string[];
  /** Takes a claimed run. */
  readonly adopt: (run: ClaimedRun) => void;
}

const BATCH = 100;

/** Claims due runs. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  #looking: Promise<void> | undefined;
  #again = false;
  #paused = false;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  /** @param options What it needs. */
  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Looks now (D2). */
  look(): void {
    if (this.#paused) return;
    if (this.#looking !== undefined) {
      this.#again = true;
      return;
    }
    this.#looking = this.#run().finally(() => this.#looking = undefined);
  }

  /**
   * Looks at that time, if nothing makes it look before.
   *
   * @param at Milliseconds of database time; `null`: never.
   */
  lookAt(at: number | null): void {
    if (at === null || at >= this.#timerAt || this.#paused) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#options.clock.after(at - this.#options.databaseClock.now(), () => {
      this.#timerAt = Infinity;
      if (this.#options.databaseClock.now() < at) this.lookAt(at); // the wait was cut short
      else this.look();
    });
  }

  /** Asks when the next run falls due, and looks then. */
  async plan(): Promise<void> {
    this.lookAt(await this.#options.runs.nextWake(this.#options.excluded()));
  }

  /** Claims nothing more; resolves when no claim is under way. */
  async pause(): Promise<void> {
    this.#paused = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  async #run(): Promise<void> {
    do {
      this.#again = false;
      try {
        while (await this.#claim());
      } catch (error) {
        engineLog.warn("Cannot look for due runs: {error}", { error });
      }
    } while (this.#again && !this.#paused);
  }

  /** Whether there may be more. */
  async #claim(): Promise<boolean> {
    const { runs, lease, room, makeRoom, excluded, adopt } = this.#options;
    if (this.#paused || !lease.fresh()) return false;
    const limit = Math.min(BATCH, room()); // D1
    if (limit <= 0) {
      makeRoom(BATCH);
      return false;
    }
    const node = lease.id;
    const claimed = await runs.claim({ node, limit, excluded: excluded() });
    await failPoint("claim.claimed", { runs: claimed.length });
    if (lease.id === node) { for (const run of claimed) adopt(run); } // else they died with it
    return claimed.length === limit;
  }
}
