/**
 * Errors of dry-run replays.
 *
 * @module
 */

import { ContinuumError } from "../base/errors.ts";
import { messageOf } from "../base/text.ts";

/**
 * A subprocess could not replay code: its `code` says why.
 *
 * @category Errors
 */
export class DryRunError extends ContinuumError<
  "SUBPROCESS_ENDED" | "SUBPROCESS_FAILED" | "SUBPROCESS_TIMEOUT" | "SUBPROCESS_UNAVAILABLE"
> {
  /**
   * Makes the error.
   *
   * @param code The stable code.
   * @param what What could not be done.
   * @param cause Why.
   * @param found The code of the error in the subprocess, if there is one.
   */
  constructor(
    code: DryRunError["code"],
    what: string,
    cause?: unknown,
    found: string | null = null,
  ) {
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    super(code, `Cannot ${what} in a subprocess${why}`, { cause, details: { what, found } });
  }
}
