/**
 * Errors of reading from an observer.
 *
 * @module
 */

/** Codes of errors that only reading from an observer makes. */
export type ServerCode =
  | "BODY_TOO_LARGE"
  | "NOT_ALLOWED"
  | "REASON_MISSING"
  | "SERVER_FAILED"
  | "SERVER_RELEASE"
  | "SERVER_UNAVAILABLE"
  | "SERVER_UNSUITABLE"
  | "UNKNOWN_VIEWER";

/** What an observer could not be asked, or what it answered in place of a result. */
export class ServerError extends Error {
  /** A stable, upper-case word: a {@linkcode ServerCode}, or one that the observer answered. */
  readonly code: string;
  /** Facts about the condition, as JSON. */
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * @param code A stable, upper-case word.
   * @param message What could not be done, and why.
   * @param details Facts about the condition.
   */
  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}
