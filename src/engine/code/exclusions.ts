/**
 * Versions whose runs this node does not claim for a while.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";

/**
 * Versions whose runs this node does not claim for a while, since other nodes may have code that
 * this node lacks.
 */
export class Exclusions {
  readonly #until = new Map<string, number>();
  readonly #clock: Clock;
  readonly #forMs: number;

  /**
   * @param clock Times the exclusions.
   * @param forMs Milliseconds after which a version is tried again.
   */
  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** Excludes a version from now on. */
  add(hash: string): void {
    this.#until.set(hash, this.#clock.monotonic() + this.#forMs);
  }

  /** Ends the exclusion of a version. */
  remove(hash: string): void {
    this.#until.delete(hash);
  }

  /** Returns the versions that are excluded now. */
  list(): readonly string[] {
    const now = this.#clock.monotonic();
    for (const [hash, until] of this.#until) if (until <= now) this.#until.delete(hash);
    return [...this.#until.keys()];
  }
}
