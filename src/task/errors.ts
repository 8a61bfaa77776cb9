/**
 * Errors about attempts of activities.
 *
 * @module
 */

import { ContinuumError } from "../base/errors.ts";

/**
 * An attempt is not its task's any more: another one has begun, its run has ended, or its node was
 * taken for dead. Code `ATTEMPT_LOST`.
 *
 * @category Errors
 */
export class AttemptLostError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param name The activity's name.
   * @param attempt Which attempt it was, from 1.
   */
  constructor(name: string, attempt: number) {
    super(
      "ATTEMPT_LOST",
      `Attempt ${attempt} of activity ${JSON.stringify(name)} has lost its task: another attempt ` +
        `has begun, or its run no longer waits for it`,
      { details: { activity: name, attempt } },
    );
  }
}

/**
 * An attempt never ended: the node that made it died. Code `ATTEMPT_INTERRUPTED`.
 *
 * @category Errors
 */
export class AttemptInterruptedError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param name The activity's name.
   * @param attempt Which attempt it was, from 1.
   */
  constructor(name: string, attempt: number) {
    super(
      "ATTEMPT_INTERRUPTED",
      `Attempt ${attempt} of activity ${JSON.stringify(name)} never ended: its node died or was ` +
        `closed; whether it had an effect is not known`,
      { details: { activity: name, attempt } },
    );
  }
}

/**
 * A token completes nothing: its attempt is over, or was never. Code `TASK_NOT_FOUND`.
 *
 * @category Errors
 */
export class TaskNotFoundError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param action What was to be done.
   * @param token The token.
   */
  constructor(action: string, token: string) {
    super(
      "TASK_NOT_FOUND",
      `Cannot ${action} an activity: no attempt has the token ${JSON.stringify(token)} now; ` +
        `it was completed, tried again, or its run has ended`,
      { details: { token } },
    );
  }
}
