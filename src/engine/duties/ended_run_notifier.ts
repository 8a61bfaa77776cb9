/**
 * Does what ended runs have left to do. The node or the caller that ended a run does it at once;
 * every node looks at its heartbeats, in case that one died before.
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

  /** Resolves when what was begun is done; looks no more then. */
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
