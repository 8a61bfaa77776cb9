/**
 * Classifies the errors of a database.
 *
 * - SQLSTATE-1, an open set: only errors that are known to last count as lasting. Servers, poolers
 *   and extensions have more errors that may pass than any list can hold.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";
import type { Outcome } from "../../ports/outcome.ts";

/** Errors in code, and values that no JavaScript string can hold: they last. */
const MISTAKES = new Set([
  "TypeError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "URIError",
  "EvalError",
]);

/** The end of a session (57P0x), its loss (08), and the two codes for an unknown outcome. */
const UNKNOWN = /^(08...|57P0.|40003|25P03)$/;

/**
 * Classifies an error by what it means for the statement that failed.
 *
 * @param error The error of the database, its driver, or the store.
 * @returns The outcome; `unknown` for unknown errors (SQLSTATE-1).
 */
export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof Error)) return "refused"; // a database never throws such a value
  if (isContinuumError(error)) {
    if (error.code !== "DATABASE_UNAVAILABLE") return "refused";
    return error.details.mayBeWritten === false ? "undone" : "unknown";
  }
  if (isRefusal(error)) return "refused";
  const state = sqlState(error);
  if (state !== null) return UNKNOWN.test(state) ? "unknown" : "undone";
  const isMistake = MISTAKES.has(error.name) || "code" in error &&
      error.code === "ERR_STRING_TOO_LONG";
  return isMistake ? "refused" : "unknown";
}

/** The five-character SQLSTATE of a database's error; `null` for errors of another kind. */
function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
}

/**
 * Lock not available, deadlock, serialization failure: nothing was written, the statement may be
 * repeated.
 */
const CONTENTION = new Set(["55P03", "40P01", "40001"]);

/**
 * Whether a statement failed only because of other sessions.
 *
 * @param error The error that was thrown.
 * @returns Whether to repeat the statement.
 */
export function isContention(error: unknown): boolean {
  return CONTENTION.has(sqlState(error) ?? "");
}

/**
 * Disk full, I/O error, and a server that accepts no writes, such as a standby: every statement that writes fails.
 */
const STANDSTILL = new Set(["53100", "58030", "25006"]);

/**
 * Whether a statement failed because the database can write nothing now.
 *
 * @param error The error that was thrown, or that of the store which it caused.
 * @returns Whether it did.
 */
export function isStandstill(error: unknown): boolean {
  return STANDSTILL.has(sqlState(answerIn(error)) ?? "");
}

/**
 * Whether the database refused the data itself (class 22: bad data, 23: a constraint, 54: too
 * large): the same statement would always fail.
 *
 * @param error The error that was thrown.
 * @returns Whether the database did.
 */
export function isRefusal(error: unknown): boolean {
  return /^(22|23|54)/.test(sqlState(error) ?? "");
}

/**
 * Whether the role lacks a right.
 *
 * @param error The error that was thrown, or that of the store which it caused.
 * @returns Whether it is SQLSTATE 42501.
 */
export function isForbidden(error: unknown): boolean {
  return sqlState(answerIn(error)) === "42501";
}

/**
 * Whether a unique key was taken.
 *
 * @param error The error that was thrown.
 * @returns Whether it is SQLSTATE 23505.
 */
export function isUniqueViolation(error: unknown): boolean {
  return sqlState(error) === "23505";
}

/**
 * Whether a foreign key referred to no row.
 *
 * @param error The error that was thrown.
 * @returns Whether it is SQLSTATE 23503.
 */
export function isForeignKeyViolation(error: unknown): boolean {
  return sqlState(error) === "23503";
}

/**
 * Whether the server gave a statement up: it took too long, or an operator cancelled it.
 *
 * @param error The error that was thrown, or that of the store which it caused.
 * @returns Whether it is SQLSTATE 57014.
 */
export function isCancelled(error: unknown): boolean {
  return sqlState(answerIn(error)) === "57014";
}

/** The database's error, also if an error of this package has it as its cause. */
function answerIn(error: unknown): unknown {
  return isContinuumError(error) && error.cause !== undefined ? error.cause : error;
}

/**
 * Whether the error comes from the database itself.
 *
 * @param error The error that was thrown.
 * @returns Whether it has a SQLSTATE.
 */
export function isAnswered(error: unknown): error is Error {
  return sqlState(error) !== null;
}
