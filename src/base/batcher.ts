/**
 * Group commit: items that are added during a flush go together into the next flush.
 *
 * - BATCH-1: at most one flush is under way.
 * - BATCH-2: an idle batcher flushes as soon as the event loop has finished its pending work, so
 *   hundreds of runs that continue in one tick share a flush, even if a flush blocks the process,
 *   as PGlite does. There is no timer, and no minimum size.
 * - BATCH-3: the backlog is bounded: a caller that finds it full waits for room, in order.
 * - BATCH-4: a refused item fails alone: a batch that fails because of one of its items is halved
 *   until that item is by itself, and the others succeed.
 * - BATCH-5: if items have weights, a heavy item is flushed alone, and waiting light items are
 *   flushed between two heavy ones, so they never wait for several heavy items in a row.
 *
 * @module
 */

import { inBackground } from "./background.ts";

const immediate: typeof setImmediate = setImmediate;

/** How much fits into one flush, if items differ in size. */
export interface Load<T> {
  /** How heavy an item is. */
  readonly weigh: (item: T) => number;
  /** The most that the items of one flush weigh together; an item above half of it is heavy. */
  readonly most: number;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly weight: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects items and flushes them in batches. */
export class Batcher<T, R> {
  readonly #flush: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #limit: number;
  readonly #maxBacklog: number;
  readonly #isRefusal: (error: unknown) => boolean;
  readonly #load: Load<T> | undefined;
  #waiting: Waiting<T, R>[] = [];
  /** Callers that wait for room in the backlog, the longest wait first. */
  #doors: (() => void)[] = [];
  /** BATCH-5: heavy items that wait. */
  #heavy: Waiting<T, R>[] = [];
  #busy = false;

  /**
   * @param flush Processes one batch; returns one result for each item, in order. If it throws,
   * every item of the batch fails with its error.
   * @param limit The most items of one batch.
   * @param maxBacklog The most items that no flush has taken.
   * @param isRefusal Whether an error of a flush means that nothing of the batch was done, because
   * of one of its items (BATCH-4); `false` for every error when omitted.
   * @param load How much fits into one flush (BATCH-5); only `limit` counts when omitted.
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
   * @returns The flush's result for this item.
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
        for (const { reject } of batch) reject(error); // a bug in here: no caller waits forever
      });
    }
    this.#busy = false;
  }

  /** How many waiting light items fit into the next flush. */
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
