/**
 * How often something is looked at closely that may happen many thousand times a second: a value of a
 * histogram costs a provider of OpenTelemetry about 1 µs, and a span 5 to 20.
 *
 * - PACE-1: of up to so many in a second each is looked at. Of more, about as many are, chosen at
 *   random, so that they stand for the others.
 * - PACE-2: no call reads a clock. Those who do see the time pass it on by {@linkcode Pace.tick}; so a
 *   sample may be asked within a turn, whose clock is virtual.
 *
 * @module
 */

/** Tells seconds apart. */
export class Pace {
  #since = -Infinity;
  #second = 0;

  /**
   * Says the time, often.
   *
   * @param now Milliseconds of a monotonic clock.
   * @returns Whether another second has begun.
   */
  tick(now: number): boolean {
    if (now - this.#since < 1_000) return false;
    // After a pause nothing is known of the second before.
    this.#second += now - this.#since < 2_000 ? 1 : 2;
    this.#since = now;
    return true;
  }

  /** Which second it is: consecutive ones have consecutive numbers. */
  get second(): number {
    return this.#second;
  }
}

/** Chooses some of many things of one kind. */
export class Sample {
  readonly #pace: Pace;
  readonly #most: number;
  #second = -1;
  /** How many there were in this second. */
  #seen = 0;
  /** One of so many was looked at in the second before. */
  #before = 1;
  #left = 1;
  #random = 1;

  /**
   * Creates a sample.
   *
   * @param pace Tells seconds apart.
   * @param most About so many are looked at in a second.
   */
  constructor(pace: Pace, most: number) {
    this.#pace = pace;
    this.#most = most;
  }

  /** One more: whether it is looked at (PACE-1). */
  isDue(): boolean {
    const { second } = this.#pace;
    if (second !== this.#second) this.#begin(second);
    this.#seen++;
    if (--this.#left > 0) return false;
    const stride = Math.max(this.#before, Math.floor(this.#seen / this.#most));
    this.#left = stride <= 1 ? 1 : 1 + this.#draw(2 * stride - 1);
    return true;
  }

  #begin(second: number): void {
    const isNext = second === this.#second + 1;
    this.#before = isNext ? Math.floor(this.#seen / this.#most) : 1;
    if (this.#before <= 1) this.#left = 1;
    this.#second = second;
    this.#seen = 0;
  }

  /** A number below `bound`: `Math.random` would be the run's within a turn (PACE-2). */
  #draw(bound: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(this.#random / 2 ** 32 * bound);
  }
}
