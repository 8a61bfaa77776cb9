/**
 * Errors of inputs and signals that do not match a version's schemas, and of unavailable schemas.
 *
 * @module
 */

import { shortHash } from "../base/text.ts";
import { ContinuumError } from "../base/errors.ts";
import { type Issue, showIssues } from "../workflow/schema.ts";
import { type FailureKind, LoadFailure } from "./load_errors.ts";

/**
 * An input does not match the schema of the version that receives it. Code `INVALID_INPUT`.
 *
 * @category Errors
 */
export class InvalidInputError extends ContinuumError {
  /** What does not match. */
  readonly issues: readonly Issue[];

  /**
   * Makes the error.
   *
   * @param workflow The workflow's name.
   * @param hash The version that has the schema.
   * @param issues What does not match.
   */
  constructor(workflow: string, hash: string, issues: readonly Issue[]) {
    super(
      "INVALID_INPUT",
      `Cannot start workflow ${JSON.stringify(workflow)}: its input does not fit the schema of ` +
        `version ${shortHash(hash)}: ${showIssues(issues)}`,
      { details: { workflow, hash, issues } },
    );
    this.issues = issues;
  }
}

/**
 * A signal's payload does not match the schema of the run's version. Code `INVALID_SIGNAL_PAYLOAD`.
 *
 * @category Errors
 */
export class InvalidSignalPayloadError extends ContinuumError {
  /** What does not match. */
  readonly issues: readonly Issue[];

  /**
   * Makes the error.
   *
   * @param signal The signal's name.
   * @param workflow The workflow's name.
   * @param hash The version that has the schema.
   * @param issues What does not match.
   */
  constructor(signal: string, workflow: string, hash: string, issues: readonly Issue[]) {
    super(
      "INVALID_SIGNAL_PAYLOAD",
      `Cannot send signal ${JSON.stringify(signal)} to workflow ${JSON.stringify(workflow)}: its ` +
        `payload does not fit the schema of version ${shortHash(hash)}: ${showIssues(issues)}`,
      { details: { signal, workflow, hash, issues } },
    );
    this.issues = issues;
  }
}

/**
 * A version's code is needed in this process and is unavailable; `cause` says why. Code
 * `VERSION_UNAVAILABLE`.
 *
 * @category Errors
 */
export class VersionUnavailableError extends ContinuumError {
  /** Whether it may become available, on this node or on another. */
  readonly kind: FailureKind;

  /**
   * Makes the error.
   *
   * @param hash The version.
   * @param action What it is needed for.
   * @param cause Why it is unavailable.
   */
  constructor(hash: string, action: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      "VERSION_UNAVAILABLE",
      `Cannot ${action}: version ${shortHash(hash)} is unavailable in this process: ${why}`,
      { cause, details: { hash } },
    );
    // A failure of unknown kind counts as passing.
    this.kind = cause instanceof LoadFailure ? cause.kind : "passing";
  }
}
