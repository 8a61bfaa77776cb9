/**
 * Errors of inputs and signals that do not match a version's schemas, and of unavailable schemas.
 *
 * @module
 */

import { quoteId, shownId } from "../base/describe.ts";
import { shortHash } from "../base/text.ts";
import { InvalidInputError, isContinuumError } from "../base/errors.ts";
import { type Issue, showIssues } from "../workflow/schema.ts";
import { VersionUnavailableError } from "./load_errors.ts";

/**
 * An input does not match the schema of the version that receives it.
 *
 * @param workflow The workflow's name.
 * @param hash The version that has the schema.
 * @param issues What does not match.
 * @returns The error, with code `INVALID_INPUT`.
 */
export function invalidInput(
  workflow: string,
  hash: string,
  issues: readonly Issue[],
): InvalidInputError {
  return new InvalidInputError(
    "INVALID_INPUT",
    `Cannot start workflow ${quoteId(workflow)}: its input does not fit the schema of ` +
      `version ${shortHash(hash)}: ${showIssues(issues)}`,
    { details: { workflow: shownId(workflow), hash, issues } },
  );
}

/**
 * A signal's payload does not match the schema of the run's version.
 *
 * @param signal The signal's name.
 * @param workflow The workflow's name.
 * @param hash The version that has the schema.
 * @param issues What does not match.
 * @returns The error, with code `INVALID_SIGNAL_PAYLOAD`.
 */
export function invalidSignalPayload(
  signal: string,
  workflow: string,
  hash: string,
  issues: readonly Issue[],
): InvalidInputError {
  return new InvalidInputError(
    "INVALID_SIGNAL_PAYLOAD",
    `Cannot send signal ${quoteId(signal)} to workflow ${quoteId(workflow)}: its ` +
      `payload does not fit the schema of version ${shortHash(hash)}: ${showIssues(issues)}`,
    { details: { signal: shownId(signal), workflow: shownId(workflow), hash, issues } },
  );
}

/**
 * A version's code is needed in this process, and is unavailable here; `cause` says why.
 *
 * @param hash The version.
 * @param action What it is needed for.
 * @param cause Why it is unavailable.
 * @returns The error, with code `VERSION_UNAVAILABLE`.
 */
export function versionUnavailable(
  hash: string,
  action: string,
  cause: unknown,
): VersionUnavailableError {
  const why = cause instanceof Error ? cause.message : String(cause);
  // What is not known to be a fact about the version is taken to pass.
  const { kind, reasons } = isContinuumError(cause, "VERSION_UNAVAILABLE")
    ? cause.details
    : { kind: "passing" as const, reasons: [] };
  return new VersionUnavailableError(
    "VERSION_UNAVAILABLE",
    `Cannot ${action}: version ${shortHash(shownId(hash))} is unavailable in this process: ${why}`,
    { cause, details: { hash: shownId(hash), kind, reasons } },
  );
}
