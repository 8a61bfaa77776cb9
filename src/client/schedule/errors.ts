/**
 * What callers of schedules may want to catch.
 *
 * @module
 */

import { idOf, quoteId } from "../../base/describe.ts";
import { ContinuumError } from "../../base/errors.ts";
import type { ScheduleState } from "../../schedule/firing.ts";

/**
 * The schedule exists already, does not exist, or is in another state than the call needs. Code
 * `SCHEDULE_EXISTS`, `SCHEDULE_NOT_FOUND` or `SCHEDULE_STATE`.
 *
 * @category Errors
 */
export class ScheduleError<
  Code extends "SCHEDULE_EXISTS" | "SCHEDULE_NOT_FOUND" | "SCHEDULE_STATE" =
    | "SCHEDULE_EXISTS"
    | "SCHEDULE_NOT_FOUND"
    | "SCHEDULE_STATE",
> extends ContinuumError<Code> {}

/**
 * A schedule with that id exists already.
 *
 * @param id The schedule's id.
 * @returns The error, with code `SCHEDULE_EXISTS`.
 */
export function scheduleExists(id: string): ScheduleError {
  return new ScheduleError(
    "SCHEDULE_EXISTS",
    `Cannot create a schedule with the id ${quoteId(id)}: it exists already; ` +
      `ifExists: "use" leaves it as it is, "replace" gives it the new settings`,
    { details: { id: idOf(id) } },
  );
}

/**
 * No schedule has that id.
 *
 * @param id The id.
 * @param action What was to be done.
 * @returns The error, with code `SCHEDULE_NOT_FOUND`.
 */
export function scheduleNotFound(id: string, action: string): ScheduleError {
  return new ScheduleError(
    "SCHEDULE_NOT_FOUND",
    `Cannot ${action}: no schedule has the id ${quoteId(id)}`,
    {
      details: { id: idOf(id) },
    },
  );
}

/**
 * The schedule is in a state in which this can't be done.
 *
 * @param id The schedule's id.
 * @param action What was to be done.
 * @param state The state it is in.
 * @param wanted The states in which it can be done.
 * @returns The error, with code `SCHEDULE_STATE`.
 */
export function wrongScheduleState(
  id: string,
  action: string,
  state: ScheduleState,
  wanted: readonly ScheduleState[],
): ScheduleError {
  return new ScheduleError(
    "SCHEDULE_STATE",
    `Cannot ${action}: schedule ${quoteId(id)} is ${state}, wanted ${wanted.join(", ")}`,
    { details: { id: idOf(id), state } },
  );
}
