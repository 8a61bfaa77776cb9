/**
 * The exit codes of the command line. `docs/cli.md` lists them.
 *
 * @module
 */

import type { ErrorCode } from "../base/errors.ts";
import type { ServerCode } from "../operate/readings/errors.ts";

/** What the exit code of a command says. */
export const EXIT = {
  /** It did what it was asked to do. */
  done: 0,
  /** It failed for a reason that no other code names. */
  failed: 1,
  /** An argument or an option is wrong. */
  usage: 2,
  /** A check found something. */
  found: 3,
  /** There is no such run, version, schedule or file. */
  notFound: 4,
  /** It was refused, or something has changed since it was looked at. */
  refused: 5,
  /** The awaited run ended otherwise than completed. */
  ended: 6,
  /** The database or a server does not answer. */
  unavailable: 7,
  /** `--timeout` ended. */
  timeout: 124,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** Codes of errors that only the command line makes. */
export type CliCode =
  | "CHANGED"
  | "EXISTS"
  | "INTERRUPTED"
  | "NOT_FOUND"
  | "NOT_LOADED"
  | "NO_CONSENT"
  | "TIMED_OUT"
  | "USAGE";

/** By code of an error; every other code leads to `EXIT.failed`. */
const BY_CODE: Readonly<Partial<Record<CliCode | ErrorCode | ServerCode, number>>> = {
  INVALID_ARGUMENT: EXIT.usage,
  INVALID_CURSOR: EXIT.usage,
  DATABASE_OPTION: EXIT.usage,
  UNSTORABLE_TEXT: EXIT.usage,
  NOT_SERIALIZABLE: EXIT.usage,
  NOT_A_WORKFLOW: EXIT.usage,
  NO_DEFAULT_EXPORT: EXIT.usage,
  USAGE: EXIT.usage,
  RUN_NOT_FOUND: EXIT.notFound,
  RUN_OF_OTHER_WORKFLOW: EXIT.notFound,
  GENERATION_NOT_FOUND: EXIT.notFound,
  VERSION_NOT_FOUND: EXIT.notFound,
  VERSION_NOT_REGISTERED: EXIT.notFound,
  VERSION_DENIED: EXIT.refused,
  SCHEDULE_NOT_FOUND: EXIT.notFound,
  QUEUE_NOT_FOUND: EXIT.notFound,
  TASK_NOT_FOUND: EXIT.notFound,
  ASK_NOT_FOUND: EXIT.notFound,
  MODULE_NOT_FOUND: EXIT.notFound,
  JOB_NOT_FOUND: EXIT.notFound,
  NOT_FOUND: EXIT.notFound,
  BUNDLE_NO_RUN: EXIT.notFound,
  BUNDLE_CHANGED: EXIT.refused,
  BUNDLE_CUT: EXIT.refused,
  BUNDLE_FORMAT: EXIT.refused,
  BUNDLE_LIMIT: EXIT.refused,
  BUNDLE_MEMBER: EXIT.refused,
  BUNDLE_NO_CODE: EXIT.refused,
  BUNDLE_REDACTED: EXIT.refused,
  BUNDLE_TOO_NEW: EXIT.refused,
  EXISTS: EXIT.refused,
  INVALID_INPUT: EXIT.refused,
  INVALID_SIGNAL_PAYLOAD: EXIT.refused,
  INVALID_ANSWER: EXIT.refused,
  UNDECLARED_SIGNAL: EXIT.refused,
  PAYLOAD_TOO_LARGE: EXIT.refused,
  VALUE_NOT_DECODED: EXIT.refused,
  VALUE_NOT_ENCODED: EXIT.refused,
  RUN_EXISTS: EXIT.refused,
  IDEMPOTENCY_CONFLICT: EXIT.refused,
  RUN_ENDED: EXIT.refused,
  RUN_STATE: EXIT.refused,
  RUN_AWAITED: EXIT.refused,
  RUN_END_REPORTED: EXIT.refused,
  JOB_HELD: EXIT.refused,
  NO_NODE_CAN_LOAD: EXIT.refused,
  SCHEDULE_EXISTS: EXIT.refused,
  SCHEDULE_STATE: EXIT.refused,
  SCHEMA_TOO_NEW: EXIT.refused,
  SCHEMA_TOO_OLD: EXIT.refused,
  MIGRATION_CHANGED: EXIT.refused,
  DATABASE_UNSUITABLE: EXIT.refused,
  UNTRUSTED_MODULE: EXIT.refused,
  NO_CONSENT: EXIT.refused,
  CHANGED: EXIT.refused,
  ASK_FAILED: EXIT.ended,
  ASK_UNANSWERED: EXIT.ended,
  RUN_FAILED: EXIT.ended,
  RUN_CANCELLED: EXIT.ended,
  RUN_TERMINATED: EXIT.ended,
  DATABASE_UNAVAILABLE: EXIT.unavailable,
  DATABASE_IN_USE: EXIT.unavailable,
  NOT_LOADED: EXIT.unavailable,
  FETCH_FAILED: EXIT.unavailable,
  FETCH_TIMEOUT: EXIT.unavailable,
  SERVER_UNAVAILABLE: EXIT.unavailable,
  SERVER_RELEASE: EXIT.refused,
  SERVER_UNSUITABLE: EXIT.refused,
  BODY_TOO_LARGE: EXIT.refused,
  NOT_ALLOWED: EXIT.refused,
  REASON_MISSING: EXIT.usage,
  UNKNOWN_VIEWER: EXIT.refused,
  TIMED_OUT: EXIT.timeout,
  TIMEOUT: EXIT.timeout,
  QUERY_TIMEOUT: EXIT.timeout,
  INTERRUPTED: EXIT.interrupted,
};

/**
 * The exit code for an error.
 *
 * @param code The error's code.
 * @returns The exit code; `EXIT.failed` for a code that is not listed.
 */
export function exitOf(code: string): number {
  return Object.hasOwn(BY_CODE, code) ? BY_CODE[code as CliCode]! : EXIT.failed;
}
