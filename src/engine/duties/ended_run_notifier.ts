/**
 * Notifies the parents of ended runs, settles their children, and notifies runs of what they await of
 * others. The node or the caller that ended a run, or wrote what is awaited, does so at once. Every
 * node polls at its heartbeats, in case that process died before.
 *
 * @module
 */

import { settleEnded } from "../../store/settle_ended.ts";
import type { NodeContext } from "../node_context.ts";
import { Poller } from "../poller.ts";

/** Notifies runs of the ends of others, and of what others have said. */
export class EndedRunNotifier extends Poller {
  readonly #node: NodeContext;

  /** @param node The node. */
  constructor(node: NodeContext) {
    super("runs of which others must be notified", node);
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
