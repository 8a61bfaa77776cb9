/**
 * Fires schedules. It polls when the next one is due, after a notification that one was created or
 * changed, after the end of a run that a firing waits for, and at each heartbeat, in case one of
 * these was missed. Every node does so; the store lets each firing happen once.
 *
 * - SCHEDULER-1: every poll repeats the request to stop a run until the run has ended, so nothing
 *   is lost if a node dies between a decision and the request.
 *
 * @module
 */

import { CancelledError } from "../../base/errors.ts";
import { encode } from "../../base/values.ts";
import { encodeError } from "../../base/values_failure.ts";
import type { BlockedFiring, ScheduleDecision, ScheduleRow } from "../../ports/schedules.ts";
import { fire, postponed, type Progress } from "../../schedule/firing.ts";
import type { NodeContext } from "../node_context.ts";
import { FiringInputs } from "./firing_inputs.ts";
import { Poller } from "../poller.ts";

const BATCH = 100;

/** Fires due schedules. */
export class ScheduleRunner extends Poller {
  readonly #node: NodeContext;
  readonly #endedRuns: Poller;
  #awaited: ReadonlySet<string> = new Set();

  /**
   * @param node The node.
   * @param endedRuns Notifies parents and children of runs that the runner ends.
   */
  constructor(node: NodeContext, endedRuns: Poller) {
    super("due schedules", node);
    this.#node = node;
    this.#endedRuns = endedRuns;
  }

  /**
   * Polls at that time.
   *
   * @param at Milliseconds of database time; `null`: no time is set.
   */
  dueAt(at: number | null): void {
    if (at !== null && at <= this.#node.databaseClock.now()) return this.pollNow();
    this.forget();
    this.pollAt(at);
  }

  /** Polls after the end of a run, since a firing may wait for it. */
  ended(runId: string): void {
    // A poll that is under way may have read the run before it ended.
    if (this.isPolling || this.#awaited.has(runId)) this.pollNow();
  }

  protected override async poll(): Promise<number | null> {
    const { code, store } = this.#node;
    const inputs = new FiringInputs(code);
    do await this.#release(); while (await this.#fire(inputs) > 0 && !this.isPaused);
    this.forget();
    return await store.schedules.nextFire();
  }

  /** Returns how many schedules were handled. */
  async #fire(inputs: FiringInputs): Promise<number> {
    const { store: { schedules }, wakeups } = this.#node;
    const decide = (row: ScheduleRow, now: number) => this.#decide(row, now, inputs);
    const failed = (row: ScheduleRow, error: unknown, now: number) => this.#failed(row, error, now);
    const { looked, started } = await schedules.fire(BATCH, decide, failed);
    await inputs.check();
    if (started.length > 0) wakeups.due();
    if (inputs.hasPlaces) wakeups.limits();
    return looked;
  }

  #decide(row: ScheduleRow, now: number, inputs: FiringInputs): ScheduleDecision {
    const decision = decideFiring(row, now, inputs);
    const { state, trouble } = decision.progress;
    if (state === "stuck") {
      const { id, namespace } = row;
      const facts = { id, namespace, reason: trouble?.message };
      this.#node.log.warn("Schedule {id} of {namespace} is stuck: {reason}", facts);
    }
    return decision;
  }

  #failed(row: ScheduleRow, error: unknown, now: number): Progress {
    const progress = onFailure(row, error, now);
    const { id, namespace } = row;
    const level = progress.state === "stuck" ? "error" : "warn";
    this.#node.log[level](
      "Cannot make schedule {id} of {namespace} fire, attempt {attempt}: {error}",
      { id, namespace, attempt: progress.failures, error },
    );
    return progress;
  }

  /** SCHEDULER-1 */
  async #release(): Promise<void> {
    const { schedules } = this.#node.store;
    const blocked = await schedules.release();
    this.#awaited = new Set(blocked.flatMap(({ runIds }) => runIds));
    let ended = false;
    for (const firing of blocked) ended = await this.#stop(firing) || ended;
    if (!ended) return;
    this.#endedRuns.pollNow();
    await schedules.release();
  }

  /** Returns whether a run has ended. */
  async #stop({ overlap, held, namespace, runIds }: BlockedFiring): Promise<boolean> {
    const { store, wakeups } = this.#node;
    const runs = store.runs.in(namespace);
    const why = `The schedule's firing of ${new Date(held).toISOString()} takes its place`;
    let ended = false;
    for (const runId of runIds) {
      if (overlap === "terminate_other") {
        await runs.end(runId, "terminated", encodeError(new Error(why)), { onlyStuck: false });
        ended = true;
      } else if (overlap === "cancel_other") {
        const payload = encode({ reason: why });
        const deliveryId = `schedule/${held}`;
        const cancel = { kind: "cancel", name: "", payload, deliveryId } as const;
        const delivery = await runs.deliver(runId, cancel);
        if (delivery.status === "delivered") wakeups.wakeRun(delivery.run, delivery.node);
        const error = encodeError(new CancelledError(why));
        const row = await runs.end(runId, "cancelled", error, { onlyStuck: true });
        ended ||= row?.endedAt !== null;
      }
    }
    return ended;
  }
}

/** Decides what a due schedule does. */
export function decideFiring(
  row: ScheduleRow,
  now: number,
  inputs?: FiringInputs,
): ScheduleDecision {
  const { id, rules, progress, busy, version } = row;
  const fired = fire(id, rules, progress, { now, busy, startable: version !== null });
  return inputs === undefined ? fired : inputs.decide(row, fired);
}

/** Returns the schedule's progress after a failed firing: it backs off, then becomes `stuck`. */
export function onFailure(row: ScheduleRow, error: unknown, now: number): Progress {
  return postponed(row.progress, error, now, Math.random());
}
