/**
 * The database's time, as this process can tell it without asking: the last time it heard, plus what
 * has passed since. It may be late by a round trip, never early, unless the database's clock is set
 * back.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** Tells the database's time. */
export class DatabaseClock {
  readonly #clock: Clock;
  #heard = 0;
  #heardAt = 0;

  /** @param clock What measures the time since. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Notes a time that the database just gave.
   *
   * @param at Milliseconds since the epoch.
   */
  note(at: number): void {
    const monotonic = this.#clock.monotonic();
    // An older answer that overtook a newer one would set the clock back.
    if (at < this.#heard + (monotonic - this.#heardAt) - 1_000 || at > this.now()) {
      this.#heard = at;
      this.#heardAt = monotonic;
    }
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#heard + (this.#clock.monotonic() - this.#heardAt);
  }
}
