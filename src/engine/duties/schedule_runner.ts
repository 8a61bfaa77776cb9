/**
 * Makes schedules fire. It is told when to look: by the time at which the next one is due, by a
 * hint that one was created or changed, by the end of a run that a firing waits for, and by each
 * heartbeat, the backstop for all of these. Every node does so; the store lets each firing happen
 * once.
 *
 * - SCHEDULER-1: stopping a run is repeated at every look until the run has ended, so that a node may die
 *   between a decision and what follows it.
 *
 * @module
 */

import type { Clock } from "../../base/clock.ts";
import { CancelledError } from "../../base/errors.ts";
import { encode } from "../../base/values.ts";
import { encodeError } from "../../base/values_failure.ts";
import type {
  BlockedFiring,
  ScheduleDecision,
  ScheduleRow,
  ScheduleStore,
} from "../../ports/schedules.ts";
import type { RunStore } from "../../ports/store.ts";
import { fire, postponed, type Progress } from "../../schedule/firing.ts";
import type { CodeSource } from "../code/source.ts";
import type { DatabaseClock } from "../database_clock.ts";
import { FiringInputs } from "./firing_inputs.ts";
import { engineLog } from "../../base/log.ts";
import { Poller } from "../poller.ts";

/** What a runner needs. */
export interface ScheduleRunnerOptions {
  /** Where the schedules are. */
  readonly schedules: ScheduleStore;
  /** Where their runs are. */
  readonly runs: RunStore;
  /** Checks the inputs of runs. */
  readonly code: Pick<CodeSource, "checkInput">;
  /** Times the next look. */
  readonly clock: Clock;
  /** The database's time. */
  readonly databaseClock: DatabaseClock;
  /** Runs are due. */
  readonly onDue: () => void;
  /** A run was ended that may have a parent or children. */
  readonly onEnded: () => void;
  /** A run has a message; its node, if one executes it. */
  readonly wakeRun: (run: number, node: string | null) => void;
}

const BATCH = 100;

/** Makes due schedules fire. */
export class ScheduleRunner {
  readonly #options: ScheduleRunnerOptions;
  readonly #poller: Poller;
  #awaited: ReadonlySet<string> = new Set();

  /** @param options What it needs. */
  constructor(options: ScheduleRunnerOptions) {
    const { clock, databaseClock } = options;
    this.#options = options;
    this.#poller = new Poller({
      what: "due schedules",
      poll: () => this.#poll(),
      clock,
      databaseClock,
    });
  }

  /** Looks now. */
  pollNow(): void {
    this.#poller.pollNow();
  }

  /**
   * Looks at that time.
   *
   * @param at Milliseconds of database time; `null`: not for the sake of time.
   */
  dueAt(at: number | null): void {
    if (at !== null && at <= this.#options.databaseClock.now()) return this.pollNow();
    this.#poller.forget();
    this.#poller.pollAt(at);
  }

  /** A run has ended: perhaps one that a firing waits for. */
  ended(runId: string): void {
    // A look that is under way may have read the run before it ended.
    if (this.#poller.isPolling || this.#awaited.has(runId)) this.pollNow();
  }

  /** Resolves when no look is under way. */
  idle(): Promise<void> {
    return this.#poller.idle();
  }

  /** Makes nothing fire any more; resolves when no look is under way. */
  pause(): Promise<void> {
    return this.#poller.pause();
  }

  async #poll(): Promise<number | null> {
    const { code } = this.#options;
    const inputs = new FiringInputs((hash, input) => code.checkInput(hash, input));
    do await this.#release(); while (await this.#fire(inputs) > 0 && !this.#poller.isPaused);
    this.#poller.forget();
    return await this.#options.schedules.nextFire();
  }

  /** How many schedules were looked at. */
  async #fire(inputs: FiringInputs): Promise<number> {
    const { schedules, onDue } = this.#options;
    const decide = (row: ScheduleRow, now: number) => decideFiring(row, now, inputs);
    const { looked, started } = await schedules.fire(BATCH, decide, onFailure);
    await inputs.check();
    if (started.length > 0) onDue();
    return looked;
  }

  /** SCHEDULER-1 */
  async #release(): Promise<void> {
    const blocked = await this.#options.schedules.release();
    this.#awaited = new Set(blocked.flatMap(({ runIds }) => runIds));
    let ended = false;
    for (const firing of blocked) ended = await this.#stop(firing) || ended;
    if (!ended) return;
    this.#options.onEnded();
    await this.#options.schedules.release();
  }

  /** Whether some run has ended by it. */
  async #stop({ overlap, held, namespace, runIds }: BlockedFiring): Promise<boolean> {
    const { wakeRun } = this.#options;
    const runs = this.#options.runs.in(namespace);
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
        if (delivery.status === "delivered") wakeRun(delivery.run, delivery.node);
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
