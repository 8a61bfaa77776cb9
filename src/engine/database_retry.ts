/**
 * Repeats calls of the database until it answers or the engine ends.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import type { Clock } from "../base/clock.ts";
import type { Outcome } from "../ports/outcome.ts";
import type { Store } from "../ports/store.ts";
import { isContinuumError } from "../base/errors.ts";

/** The bounds of the pauses between two attempts, in milliseconds. */
export const PAUSE_MS = { first: 50, most: 2_000 };

/** Returns the next pause after a pause, in milliseconds. */
export function nextPause(ms: number): number {
  return Math.min(ms * 2, PAUSE_MS.most);
}

/** Repeats calls of the database that fail. */
export class DatabaseRetry {
  /** The engine's log. */
  readonly log: AuthoredLog;
  readonly #clock: Clock;
  readonly #store: Pick<Store, "outcomeOf">;
  readonly #pauses = new Set<() => void>();
  #over = false;

  /**
   * @param clock Times the pauses.
   * @param store Classifies the errors.
   * @param log Takes failed attempts.
   */
  constructor(clock: Clock, store: Pick<Store, "outcomeOf">, log: AuthoredLog) {
    this.log = log;
    this.#clock = clock;
    this.#store = store;
  }

  /** See {@linkcode Store.outcomeOf}. */
  outcomeOf(error: unknown): Outcome {
    return this.#store.outcomeOf(error);
  }

  /**
   * Whether another attempt may succeed: yes, unless the error is known to be permanent.
   *
   * @param error An error of the store, or one of code that is unavailable.
   */
  isTransient(error: unknown): boolean {
    if (isContinuumError(error, "VERSION_UNAVAILABLE")) return error.details.kind === "passing";
    return this.outcomeOf(error) !== "refused";
  }

  /**
   * Repeats a call until it succeeds. Pauses grow from 50 ms to 2 s. An error that is known to be
   * permanent is thrown.
   *
   * @param what What is attempted, for the log: "write 3 histories".
   * @param ask Makes one attempt.
   * @returns The answer; `undefined` if {@linkcode DatabaseRetry.end} was called before.
   */
  async run<T>(what: string, ask: () => Promise<T>): Promise<T | undefined> {
    for (let wait = PAUSE_MS.first; !this.#over; wait = nextPause(wait)) {
      try {
        return await ask();
      } catch (error) {
        if (!this.isTransient(error)) throw error;
        this.log.warn("Cannot {what}, trying again in {wait} ms: {error}", { what, wait, error });
        await this.pause(wait);
      }
    }
    return undefined;
  }

  /** Ends all retries. */
  end(): void {
    this.#over = true;
    for (const wake of this.#pauses) wake();
  }

  /** Whether {@linkcode DatabaseRetry.end} was called. */
  get isOver(): boolean {
    return this.#over;
  }

  /**
   * Waits, unless {@linkcode DatabaseRetry.end} was called.
   *
   * @param ms Milliseconds.
   */
  pause(ms: number): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        this.#pauses.delete(wake);
        resolve();
      };
      const timer = this.#clock.after(ms, wake);
      this.#pauses.add(wake);
    });
  }
}
