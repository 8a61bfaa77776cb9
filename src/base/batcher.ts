/**
 * Group commit: what is asked for while one flush is under way goes out together in the next.
 *
 * - B1: at most one flush is under way.
 * - B2: an idle batcher flushes at once, that is after what the event loop already has at hand:
 *   hundreds of runs that go on in one tick share a flush, also where a flush blocks the process, as
 *   PGlite does. There is no timer, and no size to wait for.
 * - B3: the backlog is bounded: who comes when it is full waits to be let in, in order.
 * - B4: who is refused is alone: a batch that fails by one of its items is halved until that item
 *   stands by itself, and the others are done.
 *
 * @module
 */

const immediate: typeof setImmediate = setImmediate;

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers items, and hands them on in batches. */
export class Batcher<T, R> {
  readonly #flush: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #limit: number;
  readonly #maxBacklog: number;
  readonly #isRefusal: (error: unknown) => boolean;
  #waiting: Waiting<T, R>[] = [];
  /** Lets in those for whom there was no room, the first first. */
  #doors: (() => void)[] = [];
  #busy = false;

  /**
   * @param flush Does the work of one batch; answers in the order of the items. If it throws, every
   * item of the batch fails with that.
   * @param limit The most items of one batch.
   * @param maxBacklog The most items that no flush has taken.
   * @param isRefusal Whether an error of a flush says that nothing of the batch was done, and that it
   * fails again for the sake of some item (B4); never when omitted.
   */
  constructor(
    flush: (items: readonly T[]) => Promise<readonly R[]>,
    limit = 1_000,
    maxBacklog = 10_000,
    isRefusal: (error: unknown) => boolean = () => false,
  ) {
    this.#flush = flush;
    this.#limit = limit;
    this.#maxBacklog = maxBacklog;
    this.#isRefusal = isRefusal;
  }

  /** Items that no flush has taken yet. */
  get backlog(): number {
    return this.#waiting.length;
  }

  /**
   * Adds an item to the next batch.
   *
   * @param item The item.
   * @returns Its share of what the flush answered.
   */
  add(item: T): Promise<R> {
    if (this.#waiting.length < this.#maxBacklog && this.#doors.length === 0) {
      return this.#enter(item);
    }
    return new Promise<void>((resolve) => this.#doors.push(resolve)).then(() => this.#enter(item)); // B3
  }

  #enter(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#busy) return;
      this.#busy = true; // B1
      immediate(() => void this.#run()); // B2
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#limit);
      const room = this.#maxBacklog - this.#waiting.length;
      for (const open of this.#doors.splice(0, room)) open();
      await this.#finish(batch);
    }
    this.#busy = false;
  }

  async #finish(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#flush(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => waiting.resolve(results[index] as R));
    } catch (error) {
      if (batch.length > 1 && this.#isRefusal(error)) { // B4
        const half = batch.length >> 1;
        await this.#finish(batch.slice(0, half));
        await this.#finish(batch.slice(half));
        return;
      }
      for (const waiting of batch) waiting.reject(error);
    }
  }
}
