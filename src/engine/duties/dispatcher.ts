/**
 * Finds due runs and hands them to executors. It is told when to look: by a hint, by the time at
 * which a run of this node falls due, and by each heartbeat, the backstop for hints that were lost.
 *
 * - DISPATCH-1: claims only what there is room for.
 * - DISPATCH-2: a claim whose answer was lost may have taken runs: the node looks what it holds.
 * - DISPATCH-3: only the earliest deadline that it heard of is kept. A look after that time asks the
 *   database for the next one, whatever was heard of since.
 * - DISPATCH-4: runs that have begun go before those that are to be started, so that a sleep that is over
 *   waits for no crowd of starts. After three full claims in a row one takes starts first: they do
 *   not wait for ever.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import type { Clock } from "../../base/clock.ts";
import { failPoint } from "../../base/failpoint.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import type { RunStore } from "../../ports/store.ts";
import type { DatabaseClock } from "../database_clock.ts";
import { Poller } from "../poller.ts";
import type { NodeLease } from "../node_lease.ts";

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
  /** Runs may have been claimed by a statement whose answer was lost. */
  readonly invalidate: () => void;
}

const BATCH = 100;

/** After so many full claims in a row, starts go first (DISPATCH-4). */
const FULL_CLAIMS = 3;

/** Claims due runs. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #poller: Poller;
  /** When the next run falls due, as far as this node knows; `Infinity`: none does. */
  #next = Infinity;
  #claiming: Promise<unknown> | undefined;
  /** Full claims in a row, since starts went first. */
  #full = 0;

  /** @param options What it needs. */
  constructor(options: DispatcherOptions) {
    const { clock, databaseClock } = options;
    this.#options = options;
    this.#poller = new Poller({
      what: "due runs",
      poll: () => this.#poll(),
      clock,
      databaseClock,
    });
  }

  /** Why the last look was no success; `null`: it was one. */
  get trouble(): string | null {
    return this.#poller.trouble;
  }

  /** Resolves when the claim that is under way, if one is, has been answered, and its runs adopted. */
  async claimed(): Promise<void> {
    await this.#claiming;
  }

  /** Looks now. */
  pollNow(): void {
    this.#poller.pollNow();
  }

  /**
   * Looks at that time, if nothing makes it look before.
   *
   * @param at Milliseconds of database time; `null`: never.
   */
  pollAt(at: number | null): void {
    if (at !== null) this.#next = Math.min(this.#next, at);
    this.#poller.pollAt(at);
  }

  /** Asks when the next run falls due, and looks then. */
  async plan(): Promise<void> {
    this.pollAt(await this.#nextWake());
  }

  /** Claims nothing more; resolves when no claim is under way. */
  async pause(): Promise<void> {
    await this.#poller.pause();
  }

  async #poll(): Promise<number | null> {
    const asked = this.#options.databaseClock.now();
    while (await this.#claim());
    if (this.#next > asked) return Number.isFinite(this.#next) ? this.#next : null;
    if (this.#options.room() <= 0) return null; // a run that leaves makes it look, and ask, again
    this.#next = Infinity;
    const next = await this.#nextWake().catch((error) => {
      this.#next = asked; // DISPATCH-3: the next look asks again
      throw error;
    });
    this.#next = Math.min(this.#next, next ?? Infinity);
    return next;
  }

  async #nextWake(): Promise<number | null> {
    return await this.#options.runs.nextWake(this.#options.excluded());
  }

  /** Whether there may be more. */
  async #claim(): Promise<boolean> {
    const claiming = this.#take();
    this.#claiming = inBackground(claiming);
    return await claiming;
  }

  async #take(): Promise<boolean> {
    const { runs, lease, room, makeRoom, excluded, adopt, invalidate } = this.#options;
    if (this.#poller.isPaused || !lease.fresh()) return false;
    const limit = Math.min(BATCH, room()); // DISPATCH-1
    if (limit <= 0) {
      makeRoom(BATCH);
      return false;
    }
    const node = lease.id;
    const startsFirst = this.#full === FULL_CLAIMS; // DISPATCH-4
    const wanted = { node, limit, excluded: excluded(), startsFirst };
    const claimed = await runs.claim(wanted).catch((error) => {
      invalidate(); // DISPATCH-2
      throw error;
    });
    const isFull = claimed.length === limit;
    this.#full = isFull && !startsFirst ? this.#full + 1 : 0;
    await failPoint("claim.claimed", { runs: claimed.length });
    if (lease.id === node) { for (const run of claimed) adopt(run); } // else they died with it
    return isFull;
  }
}
