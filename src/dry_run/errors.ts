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
export class DryRunError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param code The stable code.
   * @param what What could not be done.
   * @param cause Why.
   */
  constructor(code: string, what: string, cause?: unknown) {
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    super(code, `Cannot ${what} in a subprocess${why}`, { cause, details: { what } });
  }
}
