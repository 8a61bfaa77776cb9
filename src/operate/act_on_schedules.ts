/**
 * Acts on schedules: pauses, resumes, triggers and deletes them.
 *
 * @module
 */

import type { Continuum } from "../continuum.ts";
import type { ScheduleStatus } from "../client/schedule/client.ts";

/** A schedule after it was acted upon. */
export interface ActedSchedule {
  /** Its id. */
  readonly id: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** Its state; `deleted`: it is gone. */
  readonly state: string;
  /** The next planned time; `null`: there is none. */
  readonly next: string | null;
  /** The run that was started; `null`: none was. */
  readonly run: string | null;
}

/**
 * Pauses or resumes a schedule.
 *
 * @param continuum The client.
 * @param action Which of the two.
 * @param id The schedule.
 * @returns The schedule. `Schedules` lists the errors.
 */
export async function switchSchedule(
  continuum: Continuum,
  action: "pause" | "resume",
  id: string,
): Promise<ActedSchedule> {
  return acted(await continuum.schedules[action](id));
}

/**
 * Starts a run of a schedule now, besides the planned ones.
 *
 * @param continuum The client.
 * @param id The schedule.
 * @returns The schedule, and the run. `Schedules.trigger` lists the errors.
 */
export async function triggerSchedule(continuum: Continuum, id: string): Promise<ActedSchedule> {
  const run = await continuum.schedules.trigger(id);
  return { ...acted(await continuum.schedules.get(id)), run: run.id };
}

/**
 * Reads a schedule for a plan.
 *
 * @param continuum The client.
 * @param id The schedule.
 * @returns The schedule.
 * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
 */
export async function planSchedule(continuum: Continuum, id: string): Promise<ActedSchedule> {
  return acted(await continuum.schedules.get(id));
}

/**
 * Removes a schedule. The runs that it started stay.
 *
 * @param continuum The client.
 * @param plan The schedule.
 * @returns What was removed.
 * @throws {ScheduleError} (`SCHEDULE_NOT_FOUND`) If there is none.
 */
export async function deleteSchedule(
  continuum: Continuum,
  plan: ActedSchedule,
): Promise<ActedSchedule> {
  await continuum.schedules.delete(plan.id);
  return { ...plan, state: "deleted", next: null };
}

function acted({ id, workflow, state, next }: ScheduleStatus): ActedSchedule {
  return { id, workflow, state, next: next?.planned.toISOString() ?? null, run: null };
}
