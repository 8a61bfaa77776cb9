/**
 * Stands for LISTEN where a driver has none: it says again and again that hints may have been lost,
 * so that the engine looks.
 *
 * @module
 */

import type { Listening } from "../postgres/server_driver.ts";

/** Lets the engine look at regular times. */
export class Polling implements Listening {
  readonly #pollMs: number;
  readonly #onGap: () => void;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param pollMs Milliseconds between two looks.
   * @param onGap Lets the engine look.
   */
  constructor(pollMs: number, onGap: () => void) {
    this.#pollMs = pollMs;
    this.#onGap = onGap;
  }

  start(): Promise<void> {
    this.#timer = setInterval(this.#onGap, this.#pollMs);
    return Promise.resolve();
  }

  /** It has no connection. */
  rest(): Promise<boolean> {
    return Promise.resolve(false);
  }

  end(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }
}
