/**
 * The single wait of an executor: until another part of the process notifies it, or until a time.
 *
 * @module
 */

import type { Clock, Timer } from "../../base/clock.ts";

/** A wait that can be ended by a notification. */
export class WakeSignal {
  readonly #clock: Clock;
  #wake: (() => void) | undefined;
  #isNotified = false;

  /** @param clock The clock of the wait. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the wait; if there is none, the next one ends at once. */
  notify(): void {
    this.#isNotified = true;
    this.#wake?.();
  }

  /**
   * Waits until it is notified.
   *
   * @param ms Milliseconds at most; `Infinity`: no limit.
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

  /** Whether it was notified since the last wait. */
  get isNotified(): boolean {
    return this.#isNotified;
  }
}
