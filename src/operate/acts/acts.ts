/**
 * What commands do to runs and schedules, in a database or by an observer.
 *
 * @module
 */

import type { PlannedRun, RunOutcome, SentSignal } from "../act_on_runs.ts";
import type { ActedSchedule } from "../act_on_schedules.ts";
import type { StartedRun, StartRequest } from "../start.ts";

/** What is done to runs by their ids, as the paths of an observer call it. */
export type RunDeed = "cancel" | "terminate" | "retry" | "delete";

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

/** A deed on a schedule: looked at, and then done. */
export interface ScheduleAct {
  /**
   * The schedule as it is now.
   *
   * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is no such schedule.
   */
  plan(): Promise<ActedSchedule>;
  /** Does it. */
  carryOut(): Promise<ActedSchedule>;
}

/** Acts on runs and schedules. */
export interface Acts {
  /**
   * Sends a run a signal.
   *
   * @param id The run.
   * @param name The signal's name.
   * @param payload Its payload.
   * @param deliveryId Makes the delivery idempotent.
   */
  signal(id: string, name: string, payload: unknown, deliveryId?: string): Promise<SentSignal>;
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
  onSchedule(deed: ScheduleDeed, id: string): ScheduleAct;
  /**
   * Starts a run.
   *
   * @param request Which run.
   */
  start(request: StartRequest): Promise<StartedRun>;
}
