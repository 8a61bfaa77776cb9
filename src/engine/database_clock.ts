/**
 * The database's time, as this process computes it without asking: the last time that it received,
 * plus what has passed since.
 *
 * - CLOCK-1, never early: whatever is due by this clock is due by the database's. It is late by a round
 *   trip at most, and by what the process's own clock goes slow. That clock may go fast or slow:
 *   how fast is measured from heartbeat to heartbeat, and never taken for slower than it may be;
 *   what is too little to be measured is less than a millisecond from one to the next. A database's
 *   clock that is set back is followed as soon as it is heard.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** One hearing: the database gave a time between two moments of this process. */
interface Sample {
  readonly at: number;
  readonly asked: number;
  readonly heard: number;
}

/** Times are of whole milliseconds. */
const GRAIN_MS = 1;

/** How long the speed of the process's clock is measured from one point: it may change. */
const MEASURED_MS = 60_000;

/** A clock that is faster than the database's by more than a tenth does not drift: it was moved. */
const MOST_DRIFT = 0.9;

/** An answer that took no longer is better than an earlier one, which has aged. */
const PROMPT_MS = 20;

/** An answer without a known question may be as old as that. */
const STALE_MS = 1_000;

/** Computes the database's time. */
export class DatabaseClock {
  readonly #clock: Clock;
  #heard = 0;
  #heardAt = 0;
  /** Milliseconds of the database in one of the process: at most 1, since 1 is never early. */
  #rate = 1;
  #since: Sample | undefined;
  #next: Sample | undefined;

  /** @param clock What measures the time since. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Notes a time that the database just gave.
   *
   * @param at Milliseconds since the epoch.
   * @param asked When it was asked for, by the process's monotonic clock, if that is known.
   */
  note(at: number, asked?: number): void {
    const heard = this.#clock.monotonic();
    const isTooFast = asked !== undefined && this.#measure({ at, asked, heard });
    const isWord = asked === undefined
      // An older answer that overtook a newer one would set the clock back.
      ? at < this.now() - STALE_MS
      : isTooFast || heard - asked <= PROMPT_MS ||
        at + GRAIN_MS + (heard - asked) < this.now();
    if (isWord || at > this.now()) {
      this.#heard = at;
      this.#heardAt = heard;
    }
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#heard + (this.#clock.monotonic() - this.#heardAt) * this.#rate;
  }

  /**
   * Compares the speeds of both clocks.
   *
   * @returns Whether the process's own was taken for slower than it is: what it told was too late a
   * time.
   */
  #measure(sample: Sample): boolean {
    const since = this.#since ??= sample;
    const passed = sample.at - since.at;
    const local = sample.asked - since.heard;
    if (local <= 0) return false;
    const slowest = Math.max(0, passed - GRAIN_MS) / (sample.heard - since.asked);
    const fastest = (passed + GRAIN_MS) / local;
    if (fastest < MOST_DRIFT) { // no clock drifts like that: one of them was set
      this.#since = sample;
      this.#next = undefined;
      return true;
    }
    const was = this.#rate;
    if (fastest < this.#rate) this.#rate = slowest;
    else this.#rate = Math.min(1, Math.max(this.#rate, slowest));
    if (local > MEASURED_MS) {
      this.#since = this.#next ?? sample;
      this.#next = sample;
    } else if (local > MEASURED_MS / 2) this.#next ??= sample;
    return this.#rate < was;
  }
}
