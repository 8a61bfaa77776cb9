/**
 * The one way of writing histories: shares of all runs of this process, gathered while one flush is
 * in flight, go to the journal in one statement.
 *
 * - W1: a share is answered only when its fate is known; a database that is away is waited for.
 *   Whether a share was written by a flush that failed is not known: the next try says so (`stale`).
 * - W2: a row that somebody else holds delays only its own run: it joins the next flush.
 *
 * @module
 */

import { Batcher } from "../base/batcher.ts";
import type { CommitEntry, CommitResult } from "../ports/rows.ts";
import type { JournalStore } from "../ports/store.ts";
import type { Patience } from "./patience.ts";

/** A fate that an executor has to deal with. */
export type Written = Exclude<CommitResult, { status: "busy" }>;

/** Writes histories. */
export class JournalWriter {
  readonly #batcher: Batcher<CommitEntry, CommitResult>;

  /**
   * @param journal Where to.
   * @param patience Waits for a database that is away.
   */
  constructor(journal: JournalStore, patience: Patience) {
    this.#batcher = new Batcher(async (entries) =>
      await patience.until(`write ${entries.length} histories`, () => journal.commit(entries)) ?? // W1
        entries.map(() => ({ status: "lost" }))
    );
  }

  /**
   * Appends one run's share. A run may have one share under way.
   *
   * @param entry The share.
   * @returns Its fate; `lost` too when patience ended before it was known.
   */
  async append(entry: CommitEntry): Promise<Written> {
    while (true) {
      const result = await this.#batcher.add(entry);
      if (result.status !== "busy") return result; // W2
    }
  }
}
