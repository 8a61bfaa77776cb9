/**
 * Computes the database's time without a query: the last time that the database reported, plus the
 * time that has passed since.
 *
 * - CLOCK-1, never early: what is due by this clock is due by the database's clock. This clock is
 *   late by at most a round trip, plus the time that the process's own clock loses. The process's
 *   clock may be fast or slow: its speed is measured from heartbeat to heartbeat, and never assumed
 *   to be slower than it may be. A difference that is too small to be measured adds less than a
 *   millisecond between two heartbeats. If the database's clock is set back, this clock follows at
 *   the next time that it receives.
 *
 * @module
 */

import type { Clock } from "../base/clock.ts";

/** One measurement: the database reported a time between two moments of this process. */
interface Sample {
  readonly at: number;
  readonly requestedAt: number;
  readonly receivedAt: number;
}

/** The resolution of reported times, in milliseconds. */
const GRAIN_MS = 1;

/**
 * After this time the measurement of the process's clock starts from a new point, since its speed
 * may change.
 */
const MEASURED_MS = 60_000;

/**
 * If the process's clock seems faster than the database's by more than a tenth, one of them was
 * set.
 */
const MOST_DRIFT = 0.9;

/** A round trip that took no longer than this replaces an earlier measurement, which has aged. */
const PROMPT_MS = 20;

/** The assumed age of a time whose request is unknown. */
const STALE_MS = 1_000;

/** Computes the database's time. */
export class DatabaseClock {
  readonly #clock: Clock;
  #lastTime = 0;
  #lastReceivedAt = 0;
  /** Milliseconds of the database in one of the process: at most 1, since 1 is never early. */
  #rate = 1;
  #since: Sample | undefined;
  #next: Sample | undefined;

  /** @param clock The process's clock. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Records a time that the database reported.
   *
   * @param at Milliseconds since the epoch.
   * @param requestedAt When it was requested, by the process's monotonic clock, if known.
   */
  note(at: number, requestedAt?: number): void {
    const receivedAt = this.#clock.monotonic();
    const isTooFast = requestedAt !== undefined && this.#measure({ at, requestedAt, receivedAt });
    const isBetter = requestedAt === undefined
      // An older answer that arrives after a newer one would set the clock back.
      ? at < this.now() - STALE_MS
      : isTooFast || receivedAt - requestedAt <= PROMPT_MS ||
        at + GRAIN_MS + (receivedAt - requestedAt) < this.now();
    if (isBetter || at > this.now()) {
      this.#lastTime = at;
      this.#lastReceivedAt = receivedAt;
    }
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#lastTime + (this.#clock.monotonic() - this.#lastReceivedAt) * this.#rate;
  }

  /**
   * Compares the speeds of both clocks.
   *
   * @returns Whether the process's clock was assumed to be slower than it is, so that the computed
   * time was too late.
   */
  #measure(sample: Sample): boolean {
    const since = this.#since ??= sample;
    const passed = sample.at - since.at;
    const local = sample.requestedAt - since.receivedAt;
    if (local <= 0) return false;
    const slowest = Math.max(0, passed - GRAIN_MS) / (sample.receivedAt - since.requestedAt);
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
