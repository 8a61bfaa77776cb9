/**
 * Virtual time: it stands still while something is under way, and jumps to the next moment at which
 * something is due.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import type { BusyKind, IdleTracker } from "./idle_tracker.ts";
import type { VirtualClock } from "./clock.ts";
import { EndlessWaitError } from "./errors.ts";

/** A wait fails after this many jumps, since something may always be due, such as a schedule. */
const MOST_JUMPS = 10_000;

/** Moves the process's clock and the database's clock. */
export class TestTime {
  readonly #clock: VirtualClock;
  readonly #idleTracker: IdleTracker;
  readonly #setDatabase: (at: number) => Promise<void>;
  #moving: Promise<unknown> = Promise.resolve();

  /**
   * @param clock The process's clock.
   * @param busy Knows when nothing is under way.
   * @param setDatabase Sets the database's clock.
   */
  constructor(
    clock: VirtualClock,
    idleTracker: IdleTracker,
    setDatabase: (at: number) => Promise<void>,
  ) {
    this.#clock = clock;
    this.#idleTracker = idleTracker;
    this.#setDatabase = setDatabase;
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#clock.monotonic();
  }

  /**
   * Lets time pass, and stops at every moment at which something is due. It does not wait for
   * doubles that have not answered.
   *
   * @param at Milliseconds since the epoch.
   */
  moveTo(at: number): Promise<void> {
    return this.#alone(async () => {
      while (true) {
        await this.#idleTracker.rest(OTHERS_CODE);
        const { next } = this.#clock;
        if (next === undefined || next > at) break;
        await this.#jump(next);
      }
      await this.#jump(at);
      await this.#idleTracker.rest(OTHERS_CODE);
    });
  }

  /** Resolves when nothing more happens unless time passes or a caller requests something. */
  settled(): Promise<void> {
    return this.#alone(() => this.#idleTracker.rest(OTHERS_CODE));
  }

  /** Resolves when the engine itself does nothing; user code may still hang. */
  stopped(): Promise<void> {
    return this.#idleTracker.rest(["work"]);
  }

  /**
   * Jumps from one due moment to the next until a promise settles.
   *
   * @param awaited The promise.
   * @param what A description, for the error.
   * @returns The result of the promise.
   * @throws {EndlessWaitError} If the promise has not settled after very many jumps.
   */
  async passUntil<T>(awaited: Promise<T>, what: string): Promise<T> {
    let isOver = false;
    const over = () => void (isOver = true);
    const ended = awaited.then(over, over);
    const passing = (async () => {
      for (let jumps = 0; !isOver; jumps++) {
        if (jumps > MOST_JUMPS) throw new EndlessWaitError(what, new Date(this.now), MOST_JUMPS);
        await Promise.race([this.#idleTracker.rest(ALL), ended]);
        if (isOver) return;
        const { pulse } = this.#idleTracker;
        if (this.#clock.next === undefined) {
          // Nothing will become due by time alone, so the test has to act first.
          await Promise.race([this.#idleTracker.change(), ended]);
          continue;
        }
        await this.#alone(async () => {
          const { next } = this.#clock;
          if (isOver || next === undefined || this.#idleTracker.pulse !== pulse) return;
          await this.#jump(next);
        });
      }
    })();
    return await Promise.race([awaited, passing.then(() => awaited)]);
  }

  async #jump(at: number): Promise<void> {
    if (at <= this.now) return this.#clock.moveTo(at);
    await this.#setDatabase(at); // first, so that the process is never ahead of the database
    this.#clock.moveTo(at);
  }

  /** Serialises the callers that move time. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#moving.then(work);
    this.#moving = inBackground(done);
    return done;
  }
}

const OTHERS_CODE: readonly BusyKind[] = ["work", "attempt"];
const ALL: readonly BusyKind[] = ["work", "attempt", "double"];
