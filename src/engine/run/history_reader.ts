/**
 * Reads histories and rows of runs that this node holds.
 *
 * @module
 */

import type { ClaimedRun, LoadedRun } from "../../ports/rows.ts";
import type { NodeContext } from "../node_context.ts";
import { RetryingBatcher } from "../retrying_batcher.ts";

interface Wanted {
  readonly id: number;
  readonly from: number;
}

/** Reads histories. Reads of several runs in one tick share one statement. */
export class HistoryReader {
  readonly #node: NodeContext;
  readonly #loads: RetryingBatcher<Wanted, LoadedRun | undefined>;

  /** @param node The node. */
  constructor(node: NodeContext) {
    this.#node = node;
    this.#loads = new RetryingBatcher(
      (n) => `read ${n} histories`,
      (wanted) => this.#load(wanted),
      node.databaseRetry,
    );
  }

  /**
   * Reads messages and history.
   *
   * @param id The run's internal key.
   * @param from The first event to read.
   * @returns The messages and the history; `undefined` if the run no longer exists, or the node
   * closes before an answer.
   */
  load(id: number, from: number): Promise<LoadedRun | undefined> {
    return this.#loads.add({ id, from });
  }

  /**
   * Reads the row of a run.
   *
   * @param id The run's internal key.
   * @returns The run; `undefined` if this node does not hold it.
   */
  async row(id: number): Promise<ClaimedRun | undefined> {
    const { databaseRetry, lease, store } = this.#node;
    const held = await databaseRetry.run(
      "read the row of a run",
      () => store.runs.held(lease.id, [id]),
    );
    return held?.[0];
  }

  async #load(wanted: readonly Wanted[]): Promise<readonly (LoadedRun | undefined)[]> {
    const loaded = await this.#node.store.journal.load(wanted);
    const found = new Map(loaded.map((run) => [run.id, run]));
    return wanted.map(({ id }) => found.get(id));
  }
}
