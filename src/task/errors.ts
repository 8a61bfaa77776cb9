/**
 * Errors about attempts of activities.
 *
 * @module
 */

import { quoteId, shownId } from "../base/describe.ts";
import { ContinuumError } from "../base/errors.ts";
import { describeToken } from "./token.ts";

/**
 * An attempt of an activity has ended without its result: it lost its task or was interrupted, or a
 * token belongs to no open attempt. Code `ATTEMPT_LOST`, `ATTEMPT_INTERRUPTED` or `TASK_NOT_FOUND`.
 *
 * @category Errors
 */
export class AttemptError<
  Code extends "ATTEMPT_LOST" | "ATTEMPT_INTERRUPTED" | "TASK_NOT_FOUND" =
    | "ATTEMPT_LOST"
    | "ATTEMPT_INTERRUPTED"
    | "TASK_NOT_FOUND",
> extends ContinuumError<Code> {}

/**
 * An attempt has lost its task: another attempt has begun, its run has ended, or its node expired.
 *
 * @param name The activity's name.
 * @param attempt Which attempt it was, from 1.
 * @returns The error, with code `ATTEMPT_LOST`.
 */
export function attemptLost(name: string, attempt: number): AttemptError {
  return new AttemptError(
    "ATTEMPT_LOST",
    `Attempt ${attempt} of activity ${quoteId(name)} has lost its task: another attempt ` +
      `has begun, or its run no longer waits for it`,
    { details: { activity: shownId(name), attempt } },
  );
}

/**
 * An attempt never ended: the node that made it died.
 *
 * @param name The activity's name.
 * @param attempt Which attempt it was, from 1.
 * @returns The error, with code `ATTEMPT_INTERRUPTED`.
 */
export function attemptInterrupted(name: string, attempt: number): AttemptError {
  return new AttemptError(
    "ATTEMPT_INTERRUPTED",
    `Attempt ${attempt} of activity ${quoteId(name)} never ended: its node died or was ` +
      `closed; whether it had an effect is not known`,
    { details: { activity: shownId(name), attempt } },
  );
}

/**
 * A token belongs to no open attempt: the attempt has ended, or never existed.
 *
 * @param action What the call attempted.
 * @param token The token.
 * @returns The error, with code `TASK_NOT_FOUND`.
 */
export function taskNotFound(action: string, token: unknown): AttemptError {
  const shown = describeToken(token);
  return new AttemptError(
    "TASK_NOT_FOUND",
    `Cannot ${action} an activity: found the token ${shown}, wanted that of an attempt that is ` +
      "still awaited: one that was completed or tried again, or whose run has ended, is not",
    { details: { token: shown } },
  );
}
