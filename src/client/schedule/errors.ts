/**
 * What callers of schedules may want to catch.
 *
 * @module
 */

import { ContinuumError } from "../../base/errors.ts";
import type { ScheduleState } from "../../schedule/firing.ts";

/**
 * A schedule with that id exists already. Code `SCHEDULE_EXISTS`.
 *
 * @category Errors
 */
export class ScheduleExistsError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param id The schedule's id.
   */
  constructor(id: string) {
    super(
      "SCHEDULE_EXISTS",
      `Cannot create a schedule with the id ${JSON.stringify(id)}: it exists already; ` +
        `ifExists: "use" leaves it as it is, "replace" gives it the new settings`,
      { details: { id } },
    );
  }
}

/**
 * No schedule has that id. Code `SCHEDULE_NOT_FOUND`.
 *
 * @category Errors
 */
export class ScheduleNotFoundError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param id The id.
   * @param action What was to be done.
   */
  constructor(id: string, action: string) {
    super("SCHEDULE_NOT_FOUND", `Cannot ${action}: no schedule has the id ${JSON.stringify(id)}`, {
      details: { id },
    });
  }
}

/**
 * The schedule is in a state in which this can't be done. Code `SCHEDULE_STATE`.
 *
 * @category Errors
 */
export class ScheduleStateError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param id The schedule's id.
   * @param action What was to be done.
   * @param state The state it is in.
   * @param wanted The states in which it can be done.
   */
  constructor(id: string, action: string, state: ScheduleState, wanted: readonly ScheduleState[]) {
    super(
      "SCHEDULE_STATE",
      `Cannot ${action}: schedule ${JSON.stringify(id)} is ${state}, wanted ${wanted.join(", ")}`,
      { details: { id, state } },
    );
  }
}
