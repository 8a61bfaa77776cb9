/**
 * Gives places to runs that wait for admission or for a lock. Every node does: when it is notified,
 * when a rate allows more, and where a heartbeat finds something to do.
 *
 * @module
 */

import type { NodeContext } from "../node_context.ts";
import { Poller } from "../poller.ts";

/** Looks at limits. */
export class LimitKeeper extends Poller {
  readonly #node: NodeContext;

  /** @param node The node. */
  constructor(node: NodeContext) {
    super("runs whose turn it is", node);
    this.#node = node;
  }

  /** Stops polling; resolves when no poll is under way. */
  async close(): Promise<void> {
    await this.idle();
    await this.pause();
  }

  protected override async poll(): Promise<number | null> {
    const { store: { limits }, wakeups } = this.#node;
    while (true) {
      const { woken, more, next } = await limits.work();
      if (woken.length > 0) wakeups.wakeRuns(woken);
      if (!more) return next;
    }
  }
}
