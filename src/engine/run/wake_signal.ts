/**
 * The one wait of an executor: until somebody stirs it, or for a time.
 *
 * @module
 */

import type { Clock, Timer } from "../../base/clock.ts";

/** Waits, and is woken. */
export class WakeSignal {
  readonly #clock: Clock;
  #wake: (() => void) | undefined;
  #isNotified = false;

  /** @param clock Times the wait. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has happened: ends the wait, or the next one before it begins. */
  notify(): void {
    this.#isNotified = true;
    this.#wake?.();
  }

  /**
   * Waits until it is stirred.
   *
   * @param ms Milliseconds at most; `Infinity`: for ever.
   */
  async wait(ms: number): Promise<void> {
    if (!this.#isNotified) {
      let timer: Timer | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (ms !== Infinity) timer = this.#clock.after(ms, resolve);
      });
      timer?.cancel();
      this.#wake = undefined;
    }
    this.#isNotified = false;
  }

  /** Whether it was stirred since the last wait. */
  get isNotified(): boolean {
    return this.#isNotified;
  }
}
