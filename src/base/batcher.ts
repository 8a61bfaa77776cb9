/**
 * Group commit: what is asked for while one flush is under way goes out together in the next.
 *
 * - BATCH-1: at most one flush is under way.
 * - BATCH-2: an idle batcher flushes at once, that is after what the event loop already has at hand:
 *   hundreds of runs that go on in one tick share a flush, also where a flush blocks the process,
 *   as PGlite does. There is no timer, and no size to wait for.
 * - BATCH-3: the backlog is bounded: who comes when it is full waits to be let in, in order.
 * - BATCH-4: who is refused is alone: a batch that fails by one of its items is halved until that item
 *   stands by itself, and the others are done.
 * - BATCH-5: where items have weights, a heavy one goes alone, and the light ones that wait go between
 *   two heavy ones: nobody waits for a row of them.
 *
 * @module
 */

import { inBackground } from "./background.ts";

const immediate: typeof setImmediate = setImmediate;

/** How much fits into one flush, where items differ much. */
export interface Load<T> {
  /** How heavy an item is. */
  readonly weigh: (item: T) => number;
  /** The most that items of one flush weigh together; one that is heavier than half of it is heavy. */
  readonly most: number;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly weight: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers items, and hands them on in batches. */
export class Batcher<T, R> {
  readonly #flush: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #limit: number;
  readonly #maxBacklog: number;
  readonly #isRefusal: (error: unknown) => boolean;
  readonly #load: Load<T> | undefined;
  #waiting: Waiting<T, R>[] = [];
  /** Lets in those for whom there was no room, the first first. */
  #doors: (() => void)[] = [];
  /** BATCH-5: those that wait, and are heavy. */
  #heavy: Waiting<T, R>[] = [];
  #busy = false;

  /**
   * @param flush Does the work of one batch; answers in the order of the items. If it throws, every
   * item of the batch fails with that.
   * @param limit The most items of one batch.
   * @param maxBacklog The most items that no flush has taken.
   * @param isRefusal Whether an error of a flush says that nothing of the batch was done, and that
   * it fails again for the sake of some item (BATCH-4); never when omitted.
   * @param load How much fits into one flush (BATCH-5); `limit` alone counts when omitted.
   */
  constructor(
    flush: (items: readonly T[]) => Promise<readonly R[]>,
    limit = 1_000,
    maxBacklog = 10_000,
    isRefusal: (error: unknown) => boolean = () => false,
    load?: Load<T>,
  ) {
    this.#flush = flush;
    this.#limit = limit;
    this.#maxBacklog = maxBacklog;
    this.#isRefusal = isRefusal;
    this.#load = load;
  }

  /** Items that no flush has taken yet. */
  get backlog(): number {
    return this.#waiting.length + this.#heavy.length;
  }

  /**
   * Adds an item to the next batch.
   *
   * @param item The item.
   * @returns Its share of what the flush answered.
   */
  add(item: T): Promise<R> {
    if (this.backlog < this.#maxBacklog && this.#doors.length === 0) {
      return this.#enter(item);
    }
    return new Promise<void>((resolve) => this.#doors.push(resolve)).then(() => this.#enter(item)); // BATCH-3
  }

  #enter(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      const weight = this.#load?.weigh(item) ?? 0;
      const isHeavy = this.#load !== undefined && weight > this.#load.most / 2;
      (isHeavy ? this.#heavy : this.#waiting).push({ item, weight, resolve, reject });
      if (this.#busy) return;
      this.#busy = true; // BATCH-1
      immediate(() => void inBackground(this.#run())); // BATCH-2
    });
  }

  async #run(): Promise<void> {
    for (let isHeaviesTurn = false; this.backlog > 0; isHeaviesTurn = !isHeaviesTurn) {
      const batch = isHeaviesTurn
        ? this.#heavy.splice(0, 1)
        : this.#waiting.splice(0, this.#fits());
      if (batch.length === 0) continue;
      for (const open of this.#doors.splice(0, this.#maxBacklog - this.backlog)) open();
      await inBackground(this.#finish(batch), (error) => {
        for (const { reject } of batch) reject(error); // a mistake: nobody waits for ever
      });
    }
    this.#busy = false;
  }

  /** How many of the light items go together. */
  #fits(): number {
    if (this.#load === undefined) return this.#limit;
    const most = Math.min(this.#limit, this.#waiting.length);
    let weight = 0;
    for (let n = 0; n < most; n++) {
      weight += this.#waiting[n]!.weight;
      if (weight > this.#load.most) return n;
    }
    return most;
  }

  async #finish(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#flush(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => waiting.resolve(results[index] as R));
    } catch (error) {
      if (batch.length > 1 && this.#isRefusal(error)) { // BATCH-4
        const half = batch.length >> 1;
        await this.#finish(batch.slice(0, half));
        await this.#finish(batch.slice(half));
        return;
      }
      for (const waiting of batch) waiting.reject(error);
    }
  }
}
