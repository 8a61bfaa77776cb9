/**
 * What commands do to runs and schedules, in a database or by an observer.
 *
 * @module
 */

import type { PlannedRun, RunOutcome, SentSignal, SignalIds } from "../act_on_runs.ts";
import type { ActedSchedule } from "../act_on_schedules.ts";
import type { ForkLine, ForkRequest } from "../fork.ts";
import type { ReopenLine } from "../reopen.ts";
import type { RepairableCode, RepairLines, RepairPlan } from "../repair.ts";
import type { StartedRun, StartRequest } from "../start.ts";
import type {
  PlannedRun as UpgradedRun,
  RunningUpgrade,
  UpgradePlan,
  UpgradeRequest,
  UpgradeWork,
} from "../upgrade.ts";

/** What is done to runs by their ids, as the paths of an observer call it. */
export type RunDeed = "cancel" | "terminate" | "pause" | "resume" | "retry" | "delete";

/** What is done to a schedule, as the paths of an observer call it. */
export type ScheduleDeed = "pause" | "resume" | "trigger" | "delete";

/** A deed on runs: looked at, and then done. */
export interface RunAct {
  /**
   * The runs as they are now.
   *
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  plan(): Promise<readonly PlannedRun[]>;
  /** Does it; what it ends or removes must be as it was planned. Yields what became of each run. */
  carryOut(): AsyncIterable<RunOutcome>;
}

/** Another deed: looked at, and then done. */
export interface Act<Plan, Outcome = Plan> {
  /** What it would do, or what it is done to, as that is now. */
  plan(): Promise<Plan>;
  /** Does it, as it was planned. */
  carryOut(): Promise<Outcome>;
}

/** Moves many runs to another version. */
export interface Upgrades {
  /**
   * Finds out which runs could be moved. Changes nothing.
   *
   * @param request Which runs.
   * @param onVerdict Called with the number of verdicts so far.
   */
  plan(request: UpgradeRequest, onVerdict: (count: number) => void): Promise<UpgradePlan>;
  /**
   * Moves the runs of a plan, each only if it is as the plan has it.
   *
   * @param to The hash of the target.
   * @param runs The runs.
   * @param work Limits of the work.
   */
  run(to: string, runs: readonly UpgradedRun[], work: UpgradeWork): Promise<RunningUpgrade>;
  /**
   * Continues a job.
   *
   * @param job Its id.
   * @param work Limits of the work.
   */
  resume(job: string, work: UpgradeWork): RunningUpgrade;
}

/** Acts on runs and schedules. */
export interface Acts {
  /**
   * Sends a run a signal.
   *
   * @param id The run.
   * @param name The signal's name.
   * @param payload Its payload.
   * @param ids Makes the delivery idempotent, or an ask of it.
   */
  signal(id: string, name: string, payload: unknown, ids?: SignalIds): Promise<SentSignal>;
  /**
   * Acts on runs.
   *
   * @param deed What is done.
   * @param ids The runs.
   */
  onRuns(deed: RunDeed, ids: readonly string[]): RunAct;
  /**
   * Acts on a schedule.
   *
   * @param deed What is done.
   * @param id The schedule.
   */
  onSchedule(deed: ScheduleDeed, id: string): Act<ActedSchedule>;
  /**
   * Forks a run.
   *
   * @param id The original.
   * @param request Where the fork begins, and what it takes over.
   */
  fork(id: string, request: ForkRequest): Act<ForkLine>;
  /**
   * Takes up a failed run.
   *
   * @param id The run.
   * @param to The target, as a person names it; `undefined`: the current version.
   */
  reopen(id: string, to: string | undefined): Act<ReopenLine>;
  /**
   * Repairs what the health report finds.
   *
   * @param codes Which findings; those that need no other cure when empty.
   */
  repair(codes: readonly RepairableCode[]): Act<RepairPlan, RepairLines>;
  /** Moves many runs to another version. */
  readonly upgrades: Upgrades;
  /**
   * Starts a run.
   *
   * @param request Which run.
   */
  start(request: StartRequest): Promise<StartedRun>;
}
