/**
 * Fires schedules. It polls at the time at which the next one is due, after a
 * hint that one was created or changed, after the end of a run that a firing waits for, and at each
 * heartbeat, the backstop for all of these. Every node does so; the store lets each firing happen
 * once.
 *
 * - SCHEDULER-1: stopping a run is repeated at every look until the run has ended, so that a node may die
 *   between a decision and what follows it.
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
import { engineLog } from "../../base/log.ts";
import { Poller } from "../poller.ts";

const BATCH = 100;

/** Makes due schedules fire. */
export class ScheduleRunner extends Poller {
  readonly #node: NodeContext;
  readonly #endedRuns: Poller;
  #awaited: ReadonlySet<string> = new Set();

  /**
   * @param node The node.
   * @param endedRuns Does what runs have left to do that the runner ends.
   */
  constructor(node: NodeContext, endedRuns: Poller) {
    super("due schedules", node);
    this.#node = node;
    this.#endedRuns = endedRuns;
  }

  /**
   * Looks at that time.
   *
   * @param at Milliseconds of database time; `null`: not for the sake of time.
   */
  dueAt(at: number | null): void {
    if (at !== null && at <= this.#node.databaseClock.now()) return this.pollNow();
    this.forget();
    this.pollAt(at);
  }

  /** A run has ended: perhaps one that a firing waits for. */
  ended(runId: string): void {
    // A look that is under way may have read the run before it ended.
    if (this.isPolling || this.#awaited.has(runId)) this.pollNow();
  }

  protected override async poll(): Promise<number | null> {
    const { code, store } = this.#node;
    const inputs = new FiringInputs((hash, input) => code.checkInput(hash, input));
    do await this.#release(); while (await this.#fire(inputs) > 0 && !this.isPaused);
    this.forget();
    return await store.schedules.nextFire();
  }

  /** How many schedules were looked at. */
  async #fire(inputs: FiringInputs): Promise<number> {
    const { store: { schedules }, wakeups } = this.#node;
    const decide = (row: ScheduleRow, now: number) => decideFiring(row, now, inputs);
    const { looked, started } = await schedules.fire(BATCH, decide, onFailure);
    await inputs.check();
    if (started.length > 0) wakeups.due();
    return looked;
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

  /** Whether some run has ended by it. */
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

/** What a due schedule does. */
export function decideFiring(
  row: ScheduleRow,
  now: number,
  inputs?: FiringInputs,
): ScheduleDecision {
  const { id, namespace, rules, progress, busy, version } = row;
  const fired = fire(id, rules, progress, { now, busy, startable: version !== null });
  const firing = inputs === undefined ? fired : inputs.decide(row, fired);
  const { state, trouble } = firing.progress;
  if (state === "stuck") {
    const reason = trouble?.message;
    engineLog.warn("Schedule {id} of {namespace} is stuck: {reason}", { id, namespace, reason });
  }
  return firing;
}

/** What follows if it can't. */
export function onFailure(row: ScheduleRow, error: unknown, now: number): Progress {
  const { id, namespace } = row;
  const progress = postponed(row.progress, error, now, Math.random());
  const level = progress.state === "stuck" ? "error" : "warn";
  engineLog[level]("Cannot make schedule {id} of {namespace} fire, attempt {attempt}: {error}", {
    id,
    namespace,
    attempt: progress.failures,
    error,
  });
  return progress;
}
