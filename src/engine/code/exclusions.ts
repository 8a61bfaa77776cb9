/**
 * The versions that this node leaves alone for a while.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";

/** Versions that this node leaves alone for a while: others may have what it lacks. */
export class Exclusions {
  readonly #until = new Map<string, number>();
  readonly #clock: Clock;
  readonly #forMs: number;

  /**
   * @param clock Times them.
   * @param forMs Milliseconds after which a version is tried again.
   */
  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  /** Leaves a version alone from now on. */
  add(hash: string): void {
    this.#until.set(hash, this.#clock.monotonic() + this.#forMs);
  }

  /** Takes it up again. */
  remove(hash: string): void {
    this.#until.delete(hash);
  }

  /** Those that are left alone now. */
  list(): readonly string[] {
    const now = this.#clock.monotonic();
    for (const [hash, until] of this.#until) if (until <= now) this.#until.delete(hash);
    return [...this.#until.keys()];
  }
}
