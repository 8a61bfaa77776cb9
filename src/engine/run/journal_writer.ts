/**
 * Writes histories. While one statement is under way, it collects the shares of all runs of this
 * process, and writes them with the next statement.
 *
 * - WRITER-1: a share is answered only when its outcome is known; while the database is
 *   unavailable, the writer retries. If a flush failed, its shares may have been written: the next
 *   try finds out (`stale`).
 * - WRITER-2: if another transaction has locked a run's row, only that run is delayed: it joins a
 *   later flush.
 * - WRITER-3: a large share delays the others by one statement at most (BATCH-5 of
 *   `base/batcher.ts`).
 *
 * @module
 */

import type { CommitEntry, CommitResult } from "../../ports/rows.ts";
import type { DatabaseRetry } from "../database_retry.ts";
import type { NodeContext } from "../node_context.ts";
import { RetryingBatcher } from "../retrying_batcher.ts";

/** An outcome that the executor must handle. */
export type Written = Exclude<CommitResult, { status: "busy" }>;

/**
 * The most characters of payloads in one statement: a server handles that many quickly, and they
 * are two orders of magnitude below the longest string.
 */
const MOST_TEXT = 8 * 1_048_576;

/**
 * Pauses before the retry of a run whose row is busy: the first, and the longest, in milliseconds.
 */
const BUSY_MS = { first: 5, most: 100 };

/** Writes histories. */
export class JournalWriter {
  readonly #batcher: RetryingBatcher<CommitEntry, CommitResult>;
  readonly #databaseRetry: DatabaseRetry;

  /**
   * @param node Its journal and what it needs besides.
   */
  constructor(
    { store: { journal }, databaseRetry, clock, telemetry }: Pick<
      NodeContext,
      "store" | "databaseRetry" | "clock" | "telemetry"
    >,
  ) {
    this.#databaseRetry = databaseRetry;
    const commit = (entries: readonly CommitEntry[]) => journal.commit(entries);
    this.#batcher = new RetryingBatcher(
      (n) => `write ${n} histories`,
      telemetry === undefined ? commit : async (entries) => { // WRITER-1
        const began = clock.monotonic();
        try {
          return await commit(entries);
        } finally {
          telemetry.flushed(entries.length, clock.monotonic() - began);
        }
      },
      databaseRetry,
      { weigh: textOf, most: MOST_TEXT }, // WRITER-3
    );
  }

  /**
   * Appends one run's share. A run may have one share under way.
   *
   * @param entry The share.
   * @returns Its outcome; `lost`, too, if the retries ended before the outcome was known.
   * @throws {Error} If the database refuses the share for good.
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
