/**
 * Monotonic time that a test moves by hand.
 *
 * @module
 */

import type { Clock, Timer } from "../../src/base/clock.ts";

interface Waiting {
  readonly at: number;
  readonly callback: () => void;
}

/** Stands still until it is moved. */
export class HandClock implements Clock {
  readonly #waiting = new Set<Waiting>();
  #now = 0;

  /** See {@linkcode Clock.monotonic}. */
  monotonic(): number {
    return this.#now;
  }

  /** See {@linkcode Clock.after}. */
  after(ms: number, callback: () => void): Timer {
    const timer = { at: this.#now + Math.max(ms, 0), callback };
    this.#waiting.add(timer);
    return { cancel: () => void this.#waiting.delete(timer) };
  }

  /**
   * Moves on, from one timer to the next.
   *
   * @param ms Milliseconds.
   * @param settled Resolves when what a timer has set off is done.
   */
  async advance(ms: number, settled: () => Promise<void>): Promise<void> {
    const end = this.#now + ms;
    while (true) {
      const [next] = [...this.#waiting].sort((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#waiting.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settled();
    }
    this.#now = end;
  }
}
