/**
 * Says that the database does not answer: once, then at growing intervals, and when it answers
 * again. The engine tries again each second, and each failure says the same.
 *
 * @module
 */

import { type Clock, systemClock, type Timer } from "../base/clock.ts";
import { span } from "./output/times.ts";

/** How often to look whether it is over, in milliseconds. */
const LOOK_MS = 500;

/** The first interval between two lines, in milliseconds; each is twice the one before. */
const FIRST_MS = 4_000;

/** The longest interval, in milliseconds. */
const LONGEST_MS = 300_000;

/** How an outage is reported. */
export interface OutageOptions {
  /** Whether the database answers now. */
  readonly isOver: () => boolean;
  /** Prints a line. */
  readonly print: (text: string) => void;
  /** Measures intervals. */
  readonly clock?: Clock;
}

/** A time in which the database does not answer. */
export class Outage implements Disposable {
  readonly #options: Required<OutageOptions>;
  #since: number | null = null;
  #interval = 0;
  #sayAt = 0;
  #message = "";
  #timer: Timer | undefined;

  /** @param options How it is reported. */
  constructor(options: OutageOptions) {
    this.#options = { clock: systemClock, ...options };
  }

  /**
   * Notes that the database did not answer.
   *
   * @param message Why.
   */
  noted(message: string): void {
    const { clock, print } = this.#options;
    this.#message = message;
    if (this.#since !== null) return;
    this.#since = clock.monotonic();
    this.#interval = FIRST_MS;
    this.#sayAt = this.#since + this.#interval;
    print(`The database does not answer, and work waits for it: ${message}`);
    this.#lookLater();
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.after(LOOK_MS, () => this.#look());
  }

  #look(): void {
    const { clock, isOver, print } = this.#options;
    const now = clock.monotonic();
    const lasted = span(now - this.#since!);
    if (isOver()) {
      this.#since = null;
      print(`The database answers again, after ${lasted}`);
      return;
    }
    if (now >= this.#sayAt) {
      this.#interval = Math.min(2 * this.#interval, LONGEST_MS);
      this.#sayAt = now + this.#interval;
      print(`The database has not answered for ${lasted}: ${this.#message}`);
    }
    this.#lookLater();
  }

  /** Looks no more. */
  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }
}
