/**
 * Batches items into one statement, and retries each item on its own.
 *
 * - RETRY-1, no item fails for another: if the database refuses a batch, or can't execute it now, the
 *   batcher halves the batch until the items that cause it are alone. An item that is refused for
 *   good rejects its caller. An item that may succeed later joins another batch after a pause, and
 *   the other items do not wait for it.
 * - RETRY-2, a lost answer: the batcher executes the whole batch again, so executing it twice must do
 *   no harm.
 *
 * @module
 */

import { Batcher, type Load } from "../base/batcher.ts";
import { type DatabaseRetry, nextPause, PAUSE_MS } from "./database_retry.ts";

type Tried<R> = { readonly result: R } | { readonly error: unknown };

/** If this many items in a row fail alone and none succeeds, the items are not the cause. */
const IN_A_ROW = 3;

/** Batches items, and repeats each item until it has its answer. */
export class RetryingBatcher<T, R> {
  readonly #what: (items: number) => string;
  readonly #ask: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #databaseRetry: DatabaseRetry;
  readonly #batcher: Batcher<T, Tried<R>>;

  /**
   * @param what What is attempted, for the log: "write 3 histories".
   * @param ask Executes the statement once; returns answers in the order of the items.
   * @param databaseRetry Waits while the database is unavailable.
   * @param load How much fits into one statement (BATCH-5 of `base/batcher.ts`).
   */
  constructor(
    what: (items: number) => string,
    ask: (items: readonly T[]) => Promise<readonly R[]>,
    databaseRetry: DatabaseRetry,
    load?: Load<T>,
  ) {
    this.#what = what;
    this.#ask = ask;
    this.#databaseRetry = databaseRetry;
    this.#batcher = new Batcher((items) => this.#try(items), undefined, undefined, undefined, load);
  }

  /**
   * Executes one item until there is an answer.
   *
   * @param item The item.
   * @returns The answer; `undefined` if the database did not answer in time.
   * @throws {Error} If the database refuses this item for good.
   */
  async add(item: T): Promise<R | undefined> {
    for (let wait = PAUSE_MS.first; !this.#databaseRetry.isOver; wait = nextPause(wait)) {
      const tried = await this.#batcher.add(item);
      if ("result" in tried) return tried.result;
      if (this.#databaseRetry.isOver) break;
      if (!this.#databaseRetry.isTransient(tried.error)) throw tried.error;
      await this.#databaseRetry.pause(wait);
    }
    return undefined;
  }

  /** RETRY-2: while answers are lost, the whole batch is executed again. */
  async #try(items: readonly T[]): Promise<readonly Tried<R>[]> {
    return await this.#databaseRetry.run(
      this.#what(items.length),
      () => this.#halve(items, { inRow: 0, error: undefined }),
    ) ?? items.map(() => ({ error: undefined }));
  }

  /** RETRY-1 */
  async #halve(items: readonly T[], systemic: Systemic): Promise<readonly Tried<R>[]> {
    if (systemic.inRow >= IN_A_ROW) return items.map(() => ({ error: systemic.error }));
    try {
      const results = await this.#ask(items);
      systemic.inRow = -Infinity;
      return results.map((result) => ({ result }));
    } catch (error) {
      const outcome = this.#databaseRetry.outcomeOf(error);
      if (outcome === "unknown") throw error;
      if (items.length > 1) {
        const half = items.length >> 1;
        return [
          ...await this.#halve(items.slice(0, half), systemic),
          ...await this.#halve(items.slice(half), systemic),
        ];
      }
      this.#databaseRetry.log.warn("Cannot {what}: {error}", { what: this.#what(1), error });
      if (outcome === "undone") {
        systemic.inRow++;
        systemic.error = error;
      }
      return [{ error }];
    }
  }
}

interface Systemic {
  inRow: number;
  error: unknown;
}
