/**
 * Reading the database's error codes.
 *
 * - SQLSTATE-1, an open set: only what is known to last is taken to last. Servers, poolers and extensions
 *   have more ways to say "not now" than any list holds.
 *
 * @module
 */

import { isContinuumError } from "../../base/errors.ts";

/**
 * What an error says of the statement that threw it.
 *
 * - `refused`: the same statement fails for ever; nothing was written.
 * - `undone`: nothing was written; it may succeed later.
 * - `unknown`: it may have been carried out, and its answer lost. Read back before concluding.
 */
export type Outcome = "refused" | "undone" | "unknown";

/** Mistakes in code, and what no string of JavaScript can hold: time mends neither. */
const MISTAKES = new Set([
  "TypeError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "URIError",
  "EvalError",
]);

/** A session's end (57P0x), its loss (08), and the two codes that say that nobody knows. */
const UNKNOWN = /^(08...|57P0.|40003|25P03)$/;

/**
 * Tells what an error means for the statement that threw it.
 *
 * @param error What was thrown: by the database, by its driver, or by the store.
 * @returns The outcome; what is not known is `unknown` (SQLSTATE-1).
 */
export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof Error)) return "refused"; // nothing of a database throws such
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

/** Lock not available, deadlock, serialization failure: nothing was written, try another way. */
const CONTENTION = new Set(["55P03", "40P01", "40001"]);

/**
 * Whether a statement failed for the sake of other sessions alone.
 *
 * @param error What was thrown.
 * @returns Whether repeating the statement is right.
 */
export function isContention(error: unknown): boolean {
  return CONTENTION.has(sqlState(error) ?? "");
}

/**
 * Whether the database refused the data itself (class 22: bad data, 23: a constraint, 54: too
 * large): repeating the statement would fail for ever.
 *
 * @param error What was thrown.
 * @returns Whether it is so.
 */
export function isRefusal(error: unknown): boolean {
  return /^(22|23|54)/.test(sqlState(error) ?? "");
}

/**
 * Whether a unique key was taken.
 *
 * @param error What was thrown.
 * @returns Whether it is SQLSTATE 23505.
 */
export function isUniqueViolation(error: unknown): boolean {
  return sqlState(error) === "23505";
}

/**
 * Whether a foreign key pointed at nothing.
 *
 * @param error What was thrown.
 * @returns Whether it is SQLSTATE 23503.
 */
export function isForeignKeyViolation(error: unknown): boolean {
  return sqlState(error) === "23503";
}

/**
 * Whether the database itself answered so.
 *
 * @param error What was thrown.
 * @returns Whether it has a SQLSTATE.
 */
export function isAnswered(error: unknown): error is Error {
  return sqlState(error) !== null;
}
