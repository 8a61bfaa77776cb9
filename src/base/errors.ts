/**
 * Error classes, one for each condition that a caller may want to catch. Each has a stable
 * {@linkcode ContinuumError.code}; recognise errors by it (see {@linkcode isContinuumError}), never
 * by `instanceof`: two copies of the package may meet in one process.
 *
 * A message says what could not be done, why, the value found and what was wanted.
 *
 * @module
 */

/** The root of every error that this package throws on purpose. */
export class ContinuumError extends Error {
  /** A stable, upper-case word for the condition; never changes between releases. */
  readonly code: string;
  /** Facts about the condition, safe to serialise. */
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * @param code The stable code.
   * @param message What could not be done, why, the value found, what was wanted.
   * @param options The cause, and facts about the condition.
   */
  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? {};
    this.name = new.target.name;
  }
}

/**
 * Whether `error` is one of this package's errors, and, with `code`, that one. Works across copies
 * of the package.
 *
 * @param error Anything that was thrown.
 * @param code The stable code to look for; any when omitted.
 * @returns Whether it is.
 */
export function isContinuumError(error: unknown, code?: string): error is ContinuumError {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    "details" in error && (code === undefined || error.code === code);
}
