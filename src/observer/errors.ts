/**
 * Errors as the observer answers them: a status, a code, a sentence, and what to do next.
 *
 * - ERROR-1: nothing of the connection to the database leaves the server: no host, user, folder or
 *   database, and nothing of what the driver said of them. The log has it.
 *
 * @module
 */

import { printable } from "../base/describe.ts";
import { EXPLANATIONS } from "../base/error_codes/explain.ts";
import { isContinuumError } from "../base/errors.ts";
import { messageOf, withoutSecrets } from "../base/text.ts";

/** Codes of errors that only the observer makes. */
export type ObserverCode =
  | "BODY_TIMEOUT"
  | "BODY_TOO_LARGE"
  | "CHANGED"
  | "FOREIGN_REQUEST"
  | "METHOD"
  | "NOT_ALLOWED"
  | "NOT_FOUND"
  | "NOTHING_CHOSEN"
  | "QUERY_TIMEOUT"
  | "REASON_MISSING"
  | "UNKNOWN_VIEWER"
  | "UNSUPPORTED_BODY"
  | "UNSUPPORTED_VERSION";

/** An error that the observer answers, with a code, and with what to do next. */
export class ObserverError extends Error {
  /** A stable, upper-case word. */
  readonly code: ObserverCode;
  /** Facts about the condition, as JSON. */
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * @param code A stable, upper-case word.
   * @param message What could not be done, and why.
   * @param details Facts about the condition.
   */
  constructor(
    code: ObserverCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}

/** An error as it is answered. */
export interface ShownError {
  /** The status of the answer. */
  readonly status: number;
  /** The code; `ERROR` for an error without one. */
  readonly code: string;
  /** The sentence: no secrets, no control characters. */
  readonly message: string;
  /** Facts about the condition. */
  readonly details: Readonly<Record<string, unknown>>;
  /** What to do next; `null`: the message says it. */
  readonly next: string | null;
}

/** By code of an error: the status; every other code leads to 500. */
const STATUS: Readonly<Record<string, number>> = {
  BODY_TIMEOUT: 408,
  BODY_TOO_LARGE: 413,
  CHANGED: 409,
  FOREIGN_REQUEST: 403,
  METHOD: 405,
  NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  NOTHING_CHOSEN: 400,
  REASON_MISSING: 400,
  UNKNOWN_VIEWER: 401,
  UNSUPPORTED_BODY: 415,
  UNSUPPORTED_VERSION: 406,
  INVALID_ARGUMENT: 400,
  INVALID_CURSOR: 400,
  UNSTORABLE_TEXT: 400,
  NOT_SERIALIZABLE: 400,
  INVALID_INPUT: 422,
  INVALID_SIGNAL_PAYLOAD: 422,
  UNDECLARED_SIGNAL: 422,
  PAYLOAD_TOO_LARGE: 413,
  RUN_NOT_FOUND: 404,
  RUN_OF_OTHER_WORKFLOW: 404,
  GENERATION_NOT_FOUND: 404,
  VERSION_NOT_FOUND: 404,
  VERSION_NOT_REGISTERED: 404,
  SCHEDULE_NOT_FOUND: 404,
  TASK_NOT_FOUND: 404,
  JOB_NOT_FOUND: 404,
  RUN_EXISTS: 409,
  IDEMPOTENCY_CONFLICT: 409,
  RUN_ENDED: 409,
  RUN_STATE: 409,
  RUN_AWAITED: 409,
  RUN_END_REPORTED: 409,
  JOB_HELD: 409,
  NO_NODE_CAN_LOAD: 409,
  SCHEDULE_EXISTS: 409,
  SCHEDULE_STATE: 409,
  VERSION_UNAVAILABLE: 409,
  UNTRUSTED_MODULE: 403,
  VALUE_NOT_DECODED: 409,
  VALUE_NOT_ENCODED: 503,
  DATABASE_UNAVAILABLE: 503,
  DATABASE_IN_USE: 503,
  QUERY_TIMEOUT: 504,
  CLOSED: 503,
};

/** What is said in place of errors that name the connection (ERROR-1). */
const OF_CONNECTION: Readonly<Record<string, string>> = {
  DATABASE_UNAVAILABLE: "The database does not answer now",
  DATABASE_IN_USE: "Another process uses the database",
  DATABASE_OPTION: "The observer's database can't be opened",
  DATABASE_UNSUITABLE: "The database has settings that the engine can't work with",
  CONFIG_INVALID: "A configuration file of the application can't be read",
};

/** Next steps on a page, instead of those in terms of the library. */
const NEXT: Readonly<Record<string, string>> = {
  DATABASE_UNAVAILABLE: "This page tries again by itself.",
  QUERY_TIMEOUT:
    "Narrow it by workflow, version or time. If that does not help, the database is busy, or " +
    "another session locks what this reads: try again later.",
  RUN_NOT_FOUND: "Check the id and the namespace; a removed run is gone with its history.",
  INVALID_CURSOR: "Begin with the first page.",
  NOTHING_CHOSEN:
    "Go back, and choose runs by the boxes before them, or all that match. A program sends their ids in " +
    "`id`, or `all=1` with a filter.",
  UNKNOWN_VIEWER: "Sign in to the application that this observer is part of.",
  FOREIGN_REQUEST:
    "Send the form from the page itself. Behind a proxy: it has to pass the header Host on, or to set " +
    "X-Forwarded-Host, with the option trustProxy of the observer.",
  NOT_ALLOWED: "Those who run this observer can give you the right.",
};

/**
 * Prepares an error for people and programs.
 *
 * @param error What was thrown.
 * @returns What is answered. Of an unexpected error, the message stays on the server.
 */
export function shownError(error: unknown): ShownError {
  if (error instanceof ObserverError) {
    const { code, message, details } = error;
    return shown(code, message, { ...details }, NEXT[code] ?? null);
  }
  if (isContinuumError(error)) {
    const { code, message, details } = error;
    const said = OF_CONNECTION[code];
    if (said !== undefined) {
      const { mayBeWritten } = details as { readonly mayBeWritten?: boolean };
      const facts = mayBeWritten === undefined ? {} : { mayBeWritten };
      return shown(code, said, facts, NEXT[code] ?? null);
    }
    const next = NEXT[code] ?? EXPLANATIONS[code]?.remedy ?? null;
    return shown(code, message, { ...details }, next);
  }
  return shown("ERROR", "The observer could not answer; its log says why", {}, null);
}

function shown(
  code: string,
  message: string,
  details: Record<string, unknown>,
  next: string | null,
): ShownError {
  const text = withoutSecrets(messageOf(message)).split("\n").map(printable).join("\n");
  const facts = JSON.parse(withoutSecrets(JSON.stringify(details)));
  return { status: STATUS[code] ?? 500, code, message: text, details: facts, next };
}
