/**
 * Notifies the parents of ended runs and settles their children. The node or the caller that ended
 * a run does so at once. Every node polls at its heartbeats, in case that process died before.
 *
 * @module
 */

import { settleEnded } from "../../store/settle_ended.ts";
import type { NodeContext } from "../node_context.ts";
import { Poller } from "../poller.ts";

/** Notifies parents of ended runs, and applies the policies for their children. */
export class EndedRunNotifier extends Poller {
  readonly #node: NodeContext;

  /** @param node The node. */
  constructor(node: NodeContext) {
    super("ended runs whose parent or children must be notified", node);
    this.#node = node;
  }

  /** Stops polling; resolves when no poll is under way. */
  async close(): Promise<void> {
    await this.idle();
    await this.pause();
  }

  protected override async poll(): Promise<null> {
    const { store, wakeups } = this.#node;
    await settleEnded(store.lineage, wakeups);
    return null;
  }
}
