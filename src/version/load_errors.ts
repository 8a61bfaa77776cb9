/**
 * Errors of trusting, fetching, loading and obtaining versions.
 *
 * @module
 */

import { quoteId, shownId } from "../base/describe.ts";
import { shortHash } from "../base/text.ts";
import { ContinuumError, type ErrorDetails } from "../base/errors.ts";
import type { FailureKind, SourceReason } from "../base/error_codes/details.ts";

export type { FailureKind, SourceReason } from "../base/error_codes/details.ts";

/** How many characters are shown of a message that was built elsewhere. */
const MAX_MESSAGE = 2_000;

/** The codes of failed fetches; `details.kind` says what the failure means. */
type FetchErrorCode =
  | "FETCH_FAILED"
  | "FETCH_LIMIT"
  | "FETCH_REDIRECTS"
  | "FETCH_STATUS"
  | "FETCH_TIMEOUT"
  | "PERMISSION_DENIED";

/**
 * The codes of {@linkcode LoadError}.
 *
 * @category Errors
 */
export type LoadErrorCode =
  | "EXTERNAL_UNAVAILABLE"
  | "FETCH_FAILED"
  | "FETCH_LIMIT"
  | "FETCH_REDIRECTS"
  | "FETCH_STATUS"
  | "FETCH_TIMEOUT"
  | "IMPORT_FAILED"
  | "INTEGRITY_MISMATCH"
  | "LIVE_UNKNOWN"
  | "LOAD_LIMIT"
  | "NO_DEFAULT_EXPORT"
  | "NOT_A_WORKFLOW"
  | "NOT_ARCHIVED"
  | "PERMISSION_DENIED"
  | "PROTOCOL_TOO_NEW"
  | "UNPINNED_IMPORT"
  | "UNTRUSTED_MODULE";

/**
 * The code of a version can't be fetched, verified or executed here.
 *
 * @category Errors
 */
export class LoadError<Code extends LoadErrorCode = LoadErrorCode> extends ContinuumError<Code> {}

/**
 * A version is unavailable: `details.reasons` has a reason for each source that was tried, and
 * `details.kind` is what they mean together. Code `VERSION_UNAVAILABLE`.
 *
 * @category Errors
 */
export class VersionUnavailableError extends ContinuumError<"VERSION_UNAVAILABLE"> {}

/**
 * No source could give a version.
 *
 * @param hash The version.
 * @param reasons A reason for each source that was tried; at least one.
 * @param cause What was thrown, when one thing was.
 * @returns The error, whose kind is the most hopeful of the reasons'.
 */
export function loadFailure(
  hash: string,
  reasons: readonly SourceReason[],
  cause?: unknown,
): VersionUnavailableError {
  const lines = reasons.map((r) =>
    `${r.source}${r.specifier ? ` ${shownId(r.specifier)}` : ""}: ${
      shownId(r.message, MAX_MESSAGE)
    }`
  );
  const kind = (["passing", "node"] as const).find((k) => reasons.some((r) => r.kind === k)) ??
    "lasting";
  return new VersionUnavailableError(
    "VERSION_UNAVAILABLE",
    `Cannot load version ${shortHash(shownId(hash))}: ${lines.join("; ")}`,
    { details: { hash: shownId(hash), kind, reasons }, ...(cause === undefined ? {} : { cause }) },
  );
}

/**
 * A module has an import that its version's manifest does not list.
 *
 * @param importer The URL of the importing module.
 * @param specifier The specifier as written.
 * @returns The error, with code `UNPINNED_IMPORT`.
 */
export function unpinnedImport(importer: string, specifier: string): LoadError {
  return new LoadError(
    "UNPINNED_IMPORT",
    `Cannot import ${quoteId(specifier)} from ${shownId(importer)}: ` +
      "the manifest of its version does not list that import",
    { details: { importer: shownId(importer), specifier: shownId(specifier) } },
  );
}

/**
 * Bytes or a manifest do not match their digest.
 *
 * @param what What was checked.
 * @param found What was found, usually a SHA-256; `undefined` if nothing was found.
 * @param wanted What was wanted.
 * @returns The error, with code `INTEGRITY_MISMATCH`.
 */
export function integrityMismatch(
  what: string,
  found: string | undefined,
  wanted: string,
): LoadError {
  return new LoadError(
    "INTEGRITY_MISMATCH",
    `Cannot accept ${what}: found ${found ? shown(found) : "nothing"}, wanted ${shown(wanted)}`,
    { details: { found: found ?? null, wanted } },
  );
}

/** A digest of 64 digits in its short form; any other text unchanged. */
function shown(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? shortHash(text) : text;
}

/**
 * The archive does not have the bytes of a version: they were never archived, or were removed.
 *
 * @param label The label of the first missing member.
 * @param collectedAt When they were removed; `null`: they were never archived.
 * @returns The error, with code `NOT_ARCHIVED`.
 */
export function notArchived(label: string, collectedAt: number | null): LoadError {
  return new LoadError(
    "NOT_ARCHIVED",
    `Cannot read ${shownId(label)} from the archive: ${
      collectedAt === null
        ? "it is not archived"
        : `its bytes were removed at ${
          new Date(collectedAt).toISOString()
        }, when no run needed them`
    }`,
    {
      details: { label: shownId(label) },
    },
  );
}

/**
 * The archive does not have a package.
 *
 * @param specifier The pinned specifier.
 * @param why Why not.
 * @returns The error, with code `NOT_ARCHIVED`.
 */
export function packageNotArchived(specifier: string, why: string): LoadError {
  return new LoadError(
    "NOT_ARCHIVED",
    `Cannot take ${shownId(specifier)} from the archive: ${shownId(why, MAX_MESSAGE)}`,
    { details: { label: shownId(specifier) } },
  );
}

export type ImportTrouble = ErrorDetails["IMPORT_FAILED"]["trouble"];

/**
 * A module threw, hung, called `Deno.exit` or left a rejected promise while it was imported.
 *
 * @param url The imported module.
 * @param trouble How it failed.
 * @param cause What it threw, or the reason of the promise that it left rejected.
 * @returns The error, with code `IMPORT_FAILED`.
 */
export function importFailed(url: string, trouble: ImportTrouble, cause: unknown): LoadError {
  const why = {
    threw: "it threw",
    hung: "it did not finish",
    exited: "it asked the process to exit",
    rejected: "it left a rejected promise",
  }[trouble];
  const message = messageOfThrown(cause);
  return new LoadError("IMPORT_FAILED", `Cannot import ${shownId(url)}: ${why}: ${message}`, {
    cause,
    details: { url: shownId(url), trouble },
  });
}

/**
 * A package or builtin that a version pins can't be imported here.
 *
 * @param specifier The pinned specifier.
 * @param cause The error that importing it threw.
 * @returns The error, with code `EXTERNAL_UNAVAILABLE`.
 */
export function externalUnavailable(specifier: string, cause: unknown): LoadError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LoadError(
    "EXTERNAL_UNAVAILABLE",
    `Cannot import ${shownId(specifier)} on this node: ${reason}`,
    {
      cause,
      details: { specifier: shownId(specifier) },
    },
  );
}

/**
 * A version is bound to a live module that this node does not have.
 *
 * @param label The live module's label.
 * @returns The error, with code `LIVE_UNKNOWN`.
 */
export function liveUnknown(label: string): LoadError {
  return new LoadError(
    "LIVE_UNKNOWN",
    `Cannot bind ${quoteId(label)}: no module of this node's "live" option answers to it`,
    { details: { label: shownId(label) } },
  );
}

/**
 * This process has loaded the maximum of modules.
 *
 * @param loaded Modules loaded so far.
 * @param wanted Modules that the version has.
 * @param limit The limit.
 * @returns The error, with code `LOAD_LIMIT`.
 */
export function loadLimit(loaded: number, wanted: number, limit: number): LoadError {
  return new LoadError(
    "LOAD_LIMIT",
    `Cannot load ${wanted} more modules: found ${loaded} loaded, wanted at most ${limit} in one ` +
      "process, since modules are never freed",
    { details: { loaded, wanted, limit } },
  );
}

/**
 * A module outside this node's trust.
 *
 * @param url The URL that was refused.
 * @param why Which rule refuses it.
 * @returns The error, with code `UNTRUSTED_MODULE`.
 */
export function untrustedModule(url: string, why: string): LoadError {
  return new LoadError("UNTRUSTED_MODULE", `Cannot trust ${shownId(url)}: ${why}`, {
    details: { url: shownId(url) },
  });
}

/**
 * A module could not be fetched.
 *
 * @param code What went wrong.
 * @param kind What it means for the version.
 * @param url What was fetched.
 * @param message What was fetched and what was found.
 * @param cause What was thrown.
 * @returns The error.
 */
export function fetchFailed(
  code: Exclude<FetchErrorCode, "FETCH_STATUS">,
  kind: FailureKind,
  url: string,
  message: string,
  cause?: unknown,
): LoadError {
  const options = cause === undefined ? {} : { cause };
  return new LoadError(code, shownId(message, MAX_MESSAGE), {
    details: { url: shownId(url), kind },
    ...options,
  });
}

/**
 * Whether something is a failed fetch, which says itself what it means for the version.
 *
 * @param error What was thrown.
 * @returns Whether it is.
 */
export function isFetchFailure(error: unknown): error is LoadError<FetchErrorCode> {
  return error instanceof LoadError && "kind" in error.details;
}

/**
 * A workflow, version or specifier is not registered. Code `VERSION_NOT_FOUND`.
 *
 * @category Errors
 */
export class VersionNotFoundError extends ContinuumError<"VERSION_NOT_FOUND"> {
  /**
   * Makes the error.
   *
   * @param name What was searched for: a workflow's name, a version hash or a specifier.
   * @param task What it was needed for, such as `start a run`.
   * @param why The rule that refused it, or what is missing.
   */
  constructor(name: string, task: string, why = "no such version is registered") {
    super("VERSION_NOT_FOUND", `Cannot ${task}: ${why}, found ${quoteId(name)}`, {
      details: { name: shownId(name) },
    });
  }
}

/**
 * An operator has denied a version, or one of its modules, by `versions.deny()`. Code
 * `VERSION_DENIED`.
 *
 * @category Errors
 */
export class VersionDeniedError extends ContinuumError<"VERSION_DENIED"> {
  /**
   * Makes the error.
   *
   * @param hash The version.
   * @param task What it was needed for, such as `start a run`.
   * @param denial The digest that is denied, and why.
   */
  constructor(hash: string, task: string, denial: { sha256: string; reason: string }) {
    const { sha256, reason } = denial;
    const what = sha256 === hash ? "" : `module ${shortHash(sha256)} of `;
    super(
      "VERSION_DENIED",
      `Cannot ${task}: an operator denied ${what}version ${shortHash(hash)}: ${shownId(reason)}`,
      { details: { hash, sha256, reason: shownId(reason) } },
    );
  }
}

/** The message of a thrown value, which may be a proxy that throws. */
function messageOfThrown(cause: unknown): string {
  try {
    return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  } catch {
    return "something that can't be read";
  }
}
