/**
 * Errors of the command line itself, and how every error is shown: its code, a sentence, and the
 * next step.
 *
 * @module
 */

import { EXPLANATIONS } from "../base/error_codes/explain.ts";
import { type ContinuumError, type ErrorCode, isContinuumError } from "../base/errors.ts";
import { printable, quote } from "../base/describe.ts";
import { messageOf, withoutSecrets } from "../base/text.ts";
import type { ServerCode } from "../operate/readings/errors.ts";
import { type CliCode, EXIT, exitOf } from "./exit_codes.ts";

/** An error that the command line reports, with a code, and with what to do next. */
export class CliError extends Error {
  /** A stable, upper-case word. */
  readonly code: CliCode | ErrorCode;
  /** What to do next; `null`: the message says it. */
  readonly next: string | null;
  /** Facts about the condition, as JSON. */
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * @param code A stable, upper-case word; `exit_codes.ts` maps it to the exit code.
   * @param message What could not be done, and why.
   * @param next What to do next.
   * @param details Facts about the condition.
   */
  constructor(
    code: CliCode | ErrorCode,
    message: string,
    next: string | null = null,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.next = next;
    this.details = details;
  }
}

/** A wrong argument or option: exit code 2. */
export class UsageError extends CliError {
  /**
   * @param message What is wrong, what was found, and what was wanted.
   * @param next What to do next.
   */
  constructor(message: string, next: string | null = null) {
    super("USAGE", message, next);
  }
}

/** Ends a command at once, with nothing to report: after `--dry-run`. */
export class Done extends Error {
  /** The exit code. */
  readonly exit: number;

  /** @param exit The exit code. */
  constructor(exit: number) {
    super("done");
    this.exit = exit;
  }
}

/** An error as it is shown. */
export interface ShownError {
  /** The code; `ERROR` for an error without one. */
  readonly code: string;
  /** The sentence: no secrets, no control characters. */
  readonly message: string;
  /** Facts about the condition. */
  readonly details: Readonly<Record<string, unknown>>;
  /** What to do next; `null`: the message says it. */
  readonly next: string | null;
  /** The exit code. */
  readonly exit: number;
}

/** Next steps in terms of the command line, instead of those in terms of the library. */
const NEXT: Readonly<Partial<Record<ErrorCode | ServerCode, string>>> = {
  BUNDLE_NO_CODE: "Replay on code of your own: --on ./workflow.ts.",
  BUNDLE_NO_RUN: "`continuum bundle show FILE` lists the runs and their generations.",
  BUNDLE_REDACTED: "`continuum bundle show FILE --run ID` shows its timeline.",
  DATABASE_IN_USE:
    "Close the process that has the folder open, or read from its observer with --server; a " +
    "postgres:// database can be shared.",
  DATABASE_OPTION: "Pass --database, or set DATABASE_URL.",
  DATABASE_UNAVAILABLE:
    "Check that the server runs and accepts this role, its password and the name of " +
    "the database, then try again.",
  INVALID_CURSOR: "Pass the cursor that a page of the same list printed, with the same options.",
  RUN_NOT_FOUND: "Check the id and --namespace; `continuum runs list --state any` lists runs.",
  SCHEMA_TOO_NEW: "The command line is older than the schema: use the release that migrated it.",
  SCHEMA_TOO_OLD: "The schema is older than the command line: drain the nodes of older releases, " +
    "then run `continuum migrate`.",
  QUEUE_NOT_FOUND: "Check the name and --namespace; `limits.list()` of the library lists queues.",
  SCHEDULE_NOT_FOUND: "Check the id and --namespace; `continuum schedules list` lists schedules.",
  BODY_TOO_LARGE: "Move them in several parts, such as with --limit 10000.",
  NOT_ALLOWED: "Those who run the observer can give you the right.",
  REASON_MISSING: "Pass --reason.",
  SERVER_RELEASE: "Use the command line of the observer's release.",
  SERVER_UNAVAILABLE: "Check the address, and that the server runs.",
  SERVER_UNSUITABLE: "Pass the address of an observer's first page.",
  SUBPROCESS_TIMEOUT: "Allow more time with --deadline; the code may have an endless loop.",
  UNKNOWN_VIEWER: "Pass the observer's token by --token-file, or set CONTINUUM_TOKEN.",
  VERSION_DENIED: "`continuum versions activate` makes another version current, " +
    "`continuum versions allow` takes the denial back.",
  VERSION_NOT_FOUND:
    "`continuum versions list` lists the registered versions; a worker registers " +
    "those of its modules.",
};

/**
 * Prepares an error for people and for `--json`.
 *
 * @param error What was thrown.
 * @returns Its code, message, details, next step and exit code.
 */
export function shownError(error: unknown): ShownError {
  const message = safe(messageOf(error));
  if (error instanceof CliError) {
    const { code, details, next } = error;
    return { code, message, details, next, exit: exitOf(code) };
  }
  if (isContinuumError(error)) {
    const { code, details } = error;
    // What follows in that message is about options of the library.
    const sentence = code === "SCHEMA_TOO_OLD" ? message.split("; a client")[0]! : message;
    const remedy = code === "INVALID_ARGUMENT" ? null : EXPLANATIONS[code]?.remedy; // it says nothing more
    const next = isEmpty(error)
      ? EMPTY
      : hasReason(error, ["UNSIGNED_VERSION"])
      ? UNSIGNED
      : NEXT[code] ?? remedy ?? null;
    const isRefused = hasReason(error, ["DENIED", "UNSIGNED_VERSION"]);
    const exit = isRefused ? EXIT.refused : exitOf(code);
    return { code, message: sentence, details: { ...details }, next, exit };
  }
  const code = codeOf(error);
  const sentence = ofSystem(message) ?? message;
  return { code, message: sentence, details: {}, next: null, exit: exitOf(code) };
}

/**
 * What the system refused, as a sentence.
 *
 * @param message The message of an error.
 * @returns The sentence; `null`: the message is no error of the system.
 */
export function ofSystem(message: string): string | null {
  const [, why, call, path] = /^(.+) \(os error \d+\): (\w+) '(.*)'(?: -> '.*')?$/s.exec(message) ??
    [];
  if (why === undefined) return null;
  const verb = call!.startsWith("write") ? "write" : call!.startsWith("read") ? "read" : "open";
  return `Cannot ${verb} file ${quote(path!)}: ${why.charAt(0).toLowerCase()}${why.slice(1)}`;
}

function codeOf(error: unknown): string {
  const { NotFound, IsADirectory, NotADirectory } = Deno.errors;
  if (error instanceof NotFound) return "NOT_FOUND";
  return error instanceof IsADirectory || error instanceof NotADirectory ? "USAGE" : "ERROR";
}

/** Whether a version can't be loaded for one of some reasons, in place of being missing. */
function hasReason(error: ContinuumError, codes: readonly string[]): boolean {
  return isContinuumError(error, "VERSION_UNAVAILABLE") &&
    error.details.reasons.some(({ code }) => codes.includes(code));
}

/** The next step if a version is not signed. */
const UNSIGNED = "Sign it with `continuum versions sign`, and pass what that prints to " +
  "`continuum versions add-signatures` or to `continuum worker --signatures`.";

/** The next step if a database has no tables of the engine at all. */
const EMPTY = "Check --database and --schema; `continuum migrate` creates the tables.";

function isEmpty({ code, details }: ContinuumError): boolean {
  return code === "SCHEMA_TOO_OLD" && "found" in details && details.found === 0;
}

/** Without secrets, each line without control characters. */
function safe(text: string): string {
  return withoutSecrets(text).split("\n").map(printable).join("\n");
}
