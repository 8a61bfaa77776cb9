/**
 * A clock that the test moves by hand.
 *
 * @module
 */

import type { Clock, Timer } from "../base/clock.ts";

/** Timers of this length or more are polls: they fire whenever the clock moves. */
export const POLL_MS = 1_000 * 366 * 24 * 3_600_000;

const immediate: typeof setImmediate = setImmediate;

interface Waiting {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that is moved by hand. Timers of length 0 fire by themselves, in the next turn. */
export class VirtualClock implements Clock {
  readonly #waiting = new Set<Waiting>();
  readonly #polls = new Set<() => void>();
  #now: number;

  /** @param now Milliseconds since the epoch. */
  constructor(now: number) {
    this.#now = now;
  }

  /** Milliseconds since the epoch; monotonic time and the database's time are the same here. */
  monotonic(): number {
    return this.#now;
  }

  /** See {@linkcode Clock.after}; waits are not cut. */
  after(ms: number, callback: () => void): Timer {
    if (ms <= 0) {
      const soon = immediate(callback);
      return { cancel: () => clearImmediate(soon) };
    }
    if (ms >= POLL_MS) {
      const poll = () => callback();
      this.#polls.add(poll);
      return { cancel: () => void this.#polls.delete(poll) };
    }
    const waiting = { at: this.#now + Math.ceil(ms), callback };
    this.#waiting.add(waiting);
    return { cancel: () => void this.#waiting.delete(waiting) };
  }

  /** When the next timer that is not a poll fires; `undefined`: there is none. */
  get next(): number | undefined {
    let next: number | undefined;
    for (const { at } of this.#waiting) if (next === undefined || at < next) next = at;
    return next;
  }

  /**
   * Moves the clock, and fires the timers that are due by then, the earliest first, and polls.
   *
   * @param at Milliseconds since the epoch; the clock never goes back.
   */
  moveTo(at: number): void {
    this.#now = Math.max(this.#now, at);
    const due = [...this.#waiting].filter((waiting) => waiting.at <= this.#now);
    for (const waiting of due.sort((a, b) => a.at - b.at)) {
      if (this.#waiting.delete(waiting)) waiting.callback();
    }
    for (const poll of [...this.#polls]) if (this.#polls.delete(poll)) poll();
  }
}
