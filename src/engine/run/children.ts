/**
 * Runs that act on other runs: starting children, sending them signals, asking them to end.
 *
 * @module
 */

import { ContinuumError } from "../../base/errors.ts";
import { checkPayload } from "../../base/payload.ts";
import { effectId } from "../../base/run_ids.ts";
import { encode } from "../../base/values.ts";
import type { ChildStart, NewChild } from "../../ports/lineage.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import type { Message, Store } from "../../ports/store.ts";
import type { CallRequest, ChildRequest } from "../../replay/commands.ts";
import type { CodeSource } from "../code/source.ts";
import type { DatabaseRetry } from "../database_retry.ts";
import { RetryingBatcher } from "../retrying_batcher.ts";

/** What {@linkcode Children} asks of the versions. */
export type ChildCode = Pick<CodeSource, "childOf" | "checkInput" | "checkSignal">;

/** The longest chain of parents and children. */
export const MAX_DEPTH = 50;

/** A child can't be started. Code `CHILD_NOT_STARTED`. */
export class ChildStartError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param childId The child's id.
   * @param outcome Why.
   */
  constructor(childId: string, outcome: Exclude<ChildStart, "started" | "ended">) {
    const why = outcome === "taken"
      ? "another run has that id"
      : `the chain of parents is longer than ${MAX_DEPTH}`;
    super("CHILD_NOT_STARTED", `Cannot start the child ${JSON.stringify(childId)}: ${why}`, {
      details: { childId, outcome },
    });
  }
}

/** What {@linkcode Children} needs. */
export interface ChildrenOptions {
  /** Where the runs are. */
  readonly store: Store;
  /** Chooses the versions of children, and checks what is given to them. */
  readonly code: ChildCode;
  /** Some run is due that nobody holds. */
  readonly due: () => void;
  /** A run has a message: whoever holds it is told, or somebody who may. */
  readonly wakeRun: (run: number, node: string | null) => void;
  /** A run that has ended has something to tell. */
  readonly ended: () => void;
  /** The most bytes of one value. */
  readonly payloadBytes: number;
  /** Waits for a database that is away. */
  readonly databaseRetry: DatabaseRetry;
}

/** What runs do to other runs. */
export class Children {
  readonly #options: ChildrenOptions;
  readonly #starts: RetryingBatcher<NewChild, ChildStart>;

  /** @param options What it needs. */
  constructor(options: ChildrenOptions) {
    const { store } = options;
    this.#options = options;
    this.#starts = new RetryingBatcher(
      (n) => `start ${n} children`,
      (children) => store.lineage.startChildren(children, MAX_DEPTH),
      options.databaseRetry,
    );
  }

  /**
   * Starts a child; trying again does no harm.
   *
   * @throws {ChildStartError} If its id is taken, or the chain of parents too long.
   * {InvalidInputError} If its version does not take the input. {PayloadTooLargeError} If that is
   * too large.
   */
  async start(
    run: ClaimedRun,
    child: ChildRequest,
    position: number,
    input: string,
  ): Promise<void> {
    const version = await this.#options.code.childOf(run, child.workflow!);
    const outcome = await this.#starts.add({
      ...version,
      parent: run.id,
      close: child.close,
      runId: child.id,
      input: await this.#input(run, child.id, version.hash, input),
      seed: `${run.seed}/${position}`, // INSERT-1: its id may be used again
      policy: child.policy ?? null,
    });
    if (outcome === undefined) return; // nobody wants to know any more
    if (outcome === "ended") return this.#options.ended();
    if (outcome !== "started") throw new ChildStartError(child.id, outcome);
    this.#options.due();
  }

  /** Does what a `call` command asks for. */
  async call(run: ClaimedRun, call: CallRequest, position: number, input: string): Promise<void> {
    if (call.kind === "start") return await this.start(run, call.child, position, input);
    if (call.kind === "cancel") return await this.cancel(run, call.id, "its parent asked for it");
    await this.#signal(run, call, {
      payload: input,
      deliveryId: effectId(run, position), // sent once, however often tried
    });
  }

  /** Asks a child to end; one that has ended already is left as it is. */
  async cancel(run: ClaimedRun, id: string, reason: string): Promise<void> {
    await this.#deliver(run, id, { kind: "cancel", name: "", payload: encode({ reason }) });
  }

  /**
   * Asks a child to end whose parent's code gave it up. There is none where it was given up before
   * it was started; its id may be another run's then.
   */
  async giveUp(run: ClaimedRun, id: string): Promise<boolean> {
    const { lineage } = this.#options.store;
    if (await lineage.hasChild(run, id)) {
      await this.cancel(run, id, "its parent no longer waits for it");
    }
    return true;
  }

  /** What an earlier try has started goes on, whatever is taken now. */
  async #input(run: ClaimedRun, id: string, hash: string, input: string): Promise<string> {
    try {
      const checked = await this.#options.code.checkInput(hash, input);
      return checkPayload(
        checked,
        `the input of child ${JSON.stringify(id)}`,
        this.#options.payloadBytes,
      );
    } catch (error) {
      if (await this.#options.store.runs.in(run.namespace).version(id) === null) throw error;
      return input; // the insertion finds the id taken
    }
  }

  /** Checked by the version that it is delivered to, also if the child moves meanwhile. */
  async #signal(
    run: ClaimedRun,
    { id, name }: Extract<CallRequest, { kind: "signal" }>,
    { payload, deliveryId }: { readonly payload: string; readonly deliveryId: string },
  ): Promise<void> {
    const runs = this.#options.store.runs.in(run.namespace);
    let version = await runs.version(id);
    while (version !== null) {
      const checked = await this.#options.code.checkSignal(version, name, payload);
      checkPayload(
        checked,
        `the payload of signal ${JSON.stringify(name)}`,
        this.#options.payloadBytes,
      );
      const message = { kind: "signal", name, payload: checked, deliveryId } as const;
      const delivery = await runs.deliverTo(version, id, message);
      if (delivery.status === "delivered") this.#options.wakeRun(delivery.run, delivery.node);
      version = delivery.status === "moved" ? delivery.hash : null;
    }
  }

  async #deliver(run: ClaimedRun, id: string, message: Message): Promise<void> {
    const delivery = await this.#options.store.runs.in(run.namespace).deliver(id, message);
    if (delivery.status === "delivered") this.#options.wakeRun(delivery.run, delivery.node);
  }
}
