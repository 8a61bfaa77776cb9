/**
 * The effects of runs on their children: they start them, and request their end.
 *
 * @module
 */

import { quoteId, shownId } from "../../base/describe.ts";
import { ChildError } from "../../base/errors.ts";
import { checkPayload } from "../../base/payload.ts";
import { childSeed } from "../../base/run_ids.ts";
import { encode } from "../../base/values.ts";
import type { ChildStart, NewChild } from "../../ports/lineage.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import type { Delivery, Message } from "../../ports/store.ts";
import type { ChildRequest, Command } from "../../replay/commands.ts";
import type { NodeContext } from "../node_context.ts";
import type { Poller } from "../poller.ts";
import { RetryingBatcher } from "../retrying_batcher.ts";

/** Where in a run another run is acted on. */
export interface RequestPlace {
  /** The command. */
  readonly command: Pick<Command, "position" | "name" | "digest" | "nth">;
  /** The trace context that goes with it; `undefined`: none. */
  readonly trace: string | undefined;
}

/** The longest chain of parents and children. */
export const MAX_DEPTH = 50;

/**
 * A child could not be started.
 *
 * @param childId The child's id.
 * @param outcome Why.
 * @returns The error, with code `CHILD_NOT_STARTED`.
 */
export function childNotStarted(
  childId: string,
  outcome: Exclude<ChildStart, "started" | "ended">,
): ChildError {
  const why = outcome === "taken"
    ? "another run has that id"
    : `the chain of parents is longer than ${MAX_DEPTH}`;
  return new ChildError(
    "CHILD_NOT_STARTED",
    `Cannot start the child ${quoteId(childId)}: ${why}`,
    {
      details: { childId: shownId(childId), outcome },
    },
  );
}

/** Carries out the effects of runs on their children. */
export class Children {
  readonly #node: NodeContext;
  readonly #endedRuns: Poller;
  readonly #starts: RetryingBatcher<NewChild, ChildStart>;

  /**
   * @param node The node.
   * @param endedRuns Notifies the parents and children of ended children.
   */
  constructor(node: NodeContext, endedRuns: Poller) {
    const { databaseRetry, store } = node;
    this.#node = node;
    this.#endedRuns = endedRuns;
    this.#starts = new RetryingBatcher(
      (n) => `start ${n} children`,
      (children) => store.lineage.startChildren(children, MAX_DEPTH),
      databaseRetry,
    );
  }

  /**
   * Starts a child. Repeating the call does no harm.
   *
   * @throws {ChildError} (`CHILD_NOT_STARTED`) If its id is taken, or the chain of parents is too
   * long.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If its version refuses the input.
   * @throws {PayloadTooLargeError} If the input is too large.
   */
  async start(
    run: ClaimedRun,
    child: ChildRequest,
    { command: { position, digest }, trace }: RequestPlace,
    input: string,
  ): Promise<void> {
    const { code } = this.#node;
    let isQueued = false;
    const pin = async () => {
      const version = await code.childOf(run, child.workflow!);
      const checked = await this.#input(run, child.id, version.hash, input);
      const place = await code.place?.(version.hash, checked) ?? null;
      isQueued = place !== null;
      return await this.#starts.add({
        ...version,
        parent: run.id,
        token: run.token,
        namespace: run.namespace,
        close: child.close,
        runId: child.id,
        input: checked,
        seed: childSeed(run.seed, position, digest), // INSERT-1: its id may be reused
        policy: child.policy ?? null,
        ...(place === null ? {} : { place }),
        ...(child.attributes === undefined ? {} : { attributes: child.attributes }),
        ...(child.delayMs === undefined ? {} : { delayMs: child.delayMs }),
        ...(trace === undefined ? {} : { trace }),
      });
    };
    const outcome = await (code.pinning?.(pin) ?? pin());
    if (outcome === undefined) return; // the node closes, so the result is not needed
    if (outcome === "ended") return this.#endedRuns.pollNow();
    if (outcome !== "started") throw childNotStarted(child.id, outcome);
    const { delayMs } = child;
    if (isQueued) return this.#node.wakeups.limits();
    this.#node.wakeups.due(delayMs && this.#node.databaseClock.now() + delayMs);
  }

  /**
   * Requests a run's end. A run that has ended is not changed.
   *
   * @returns Whether there is such a run that has not ended.
   */
  async cancel(run: ClaimedRun, id: string, reason: string): Promise<boolean> {
    return await this.#deliver(run, id, { kind: "cancel", name: "", payload: encode({ reason }) });
  }

  /**
   * Requests the end of a child that the parent's code no longer waits for. If the child was never
   * started, its id may belong to another run.
   */
  async giveUp(run: ClaimedRun, id: string): Promise<boolean> {
    const { lineage } = this.#node.store;
    if (await lineage.hasChild(run, id)) {
      await this.cancel(run, id, "its parent no longer waits for it");
    }
    return true;
  }

  /**
   * Validates the input. A child that an earlier attempt has started continues, even if its input
   * is invalid now.
   */
  async #input(run: ClaimedRun, id: string, hash: string, input: string): Promise<string> {
    try {
      const checked = await this.#node.code.checkInput(hash, input);
      return checkPayload(
        checked,
        `the input of child ${JSON.stringify(id)}`,
        this.#node.payloadBytes,
      );
    } catch (error) {
      if (await this.#node.store.runs.in(run.namespace).version(id) === null) throw error;
      return input; // the insertion finds the id taken
    }
  }

  async #deliver(run: ClaimedRun, id: string, message: Message): Promise<boolean> {
    const delivery = await this.#node.store.runs.in(run.namespace).deliver(id, message);
    if (delivery.status === "delivered") this.#node.wakeups.wakeRun(delivery.run, delivery.node);
    return isThere(delivery);
  }
}

/** Whether a message was delivered, now or by an earlier try. */
export function isThere({ status }: Delivery): boolean {
  return status === "delivered" || status === "duplicate";
}
