/**
 * Monotonic time and timers as a port, so that tests control them. It never provides dates: those
 * are the database's.
 *
 * @module
 */

/** A started timer; cancelling it twice is harmless. */
export interface Timer {
  /** Stops the timer. */
  cancel(): void;
}

/** Monotonic time and timers. */
export interface Clock {
  /** Milliseconds since some fixed moment; never decreases. */
  monotonic(): number;
  /**
   * Calls `callback` once, `ms` milliseconds from now. Waits of more than an hour are cut to an
   * hour (`setTimeout` fires at once beyond 2^31 milliseconds): check the time again then.
   *
   * @param ms Milliseconds; negative counts as zero.
   * @param callback What to call.
   */
  after(ms: number, callback: () => void): Timer;
}

/** The longest wait of {@linkcode Clock.after}, in milliseconds. */
export const LONGEST_WAIT_MS = 3_600_000;

/** The process's own clock. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  after(ms, callback) {
    const id = setTimeout(callback, Math.max(0, Math.min(Math.ceil(ms), LONGEST_WAIT_MS)));
    return { cancel: () => clearTimeout(id) };
  },
};

/**
 * Calls back after a time of any length, also one that is longer than one wait of a clock.
 *
 * @param clock The clock.
 * @param ms Milliseconds.
 * @param callback What to call.
 * @returns The wait.
 */
export function waitFor(clock: Clock, ms: number, callback: () => void): Timer {
  const until = clock.monotonic() + ms;
  let timer = clock.after(ms, look);
  return { cancel: () => timer.cancel() };

  function look(): void {
    const left = until - clock.monotonic();
    if (left > 0) timer = clock.after(left, look);
    else callback();
  }
}
