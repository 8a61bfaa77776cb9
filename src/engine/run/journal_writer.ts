/**
 * The one way of writing histories: shares of all runs of this process, gathered while one flush is
 * in flight, go to the journal in one statement.
 *
 * - WRITER-1: a share is answered only when its fate is known; a database that is away is waited for.
 *   Whether a share was written by a flush that failed is not known: the next try says so
 *   (`stale`).
 * - WRITER-2: a row that somebody else holds delays only its own run: it joins a later flush.
 * - WRITER-3: a share that is heavy delays the others by one statement at most (BATCH-5 of `base/batcher.ts`).
 *
 * @module
 */

import type { CommitEntry, CommitResult } from "../../ports/rows.ts";
import type { JournalStore } from "../../ports/store.ts";
import type { DatabaseRetry } from "../database_retry.ts";
import { RetryingBatcher } from "../retrying_batcher.ts";

/** A fate that an executor has to deal with. */
export type Written = Exclude<CommitResult, { status: "busy" }>;

/**
 * Characters of payloads in one statement: what a server needs a moment for, and two orders of
 * magnitude below the longest string.
 */
const MOST_TEXT = 8 * 1_048_576;

/** How long a run whose row is busy waits before its next try, at first and at most. */
const BUSY_MS = { first: 5, most: 100 };

/** Writes histories. */
export class JournalWriter {
  readonly #batcher: RetryingBatcher<CommitEntry, CommitResult>;
  readonly #databaseRetry: DatabaseRetry;

  /**
   * @param journal Where to.
   * @param databaseRetry Waits for a database that is away.
   */
  constructor(journal: JournalStore, databaseRetry: DatabaseRetry) {
    this.#databaseRetry = databaseRetry;
    this.#batcher = new RetryingBatcher(
      (n) => `write ${n} histories`,
      (entries) => journal.commit(entries), // WRITER-1
      databaseRetry,
      { weigh: textOf, most: MOST_TEXT }, // WRITER-3
    );
  }

  /**
   * Appends one run's share. A run may have one share under way.
   *
   * @param entry The share.
   * @returns Its fate; `lost` too when the retries ended before it was known.
   * @throws {Error} What the database refuses for good.
   */
  async append(entry: CommitEntry): Promise<Written> {
    for (
      let wait = BUSY_MS.first;
      !this.#databaseRetry.isOver;
      wait = Math.min(wait * 2, BUSY_MS.most)
    ) {
      const result = await this.#batcher.add(entry) ?? { status: "lost" };
      if (result.status !== "busy") return result;
      await this.#databaseRetry.pause(wait); // WRITER-2
    }
    return { status: "lost" };
  }
}

function textOf({ events, transition }: CommitEntry): number {
  const ending = transition && "result" in transition ? transition.result?.length ?? 0 : 0;
  return events.reduce((sum, { payload }) => sum + (payload?.length ?? 0), ending);
}
