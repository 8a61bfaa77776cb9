/**
 * Error classes for what callers act on. Each condition has a stable
 * {@linkcode ContinuumError.code}; recognise errors by it (see {@linkcode isContinuumError}), never
 * by `instanceof`: two copies of the package may meet in one process, and an error that was read
 * back from a history has no class of this package.
 *
 * A message says what could not be done, why, the value found and what was wanted.
 *
 * @module
 */

import { quoteId, shownId } from "./describe.ts";
import type { DetailsOf, ErrorCode, ErrorDetails } from "./error_codes/details.ts";
import { messageOf } from "./text.ts";

export type { DetailsOf, ErrorCode, ErrorDetails, Issue } from "./error_codes/details.ts";

/** How many characters a message shows of a path, or of words that hold names. */
const MAX_WHAT = 700;

/**
 * The root of every error that this package throws on purpose.
 *
 * @category Errors
 */
export class ContinuumError<Code extends ErrorCode = ErrorCode> extends Error {
  /** A stable, upper-case word for the condition; never changes between releases. */
  readonly code: Code;
  /** Facts about the condition, safe to serialise. */
  readonly details: DetailsOf<Code>;

  /**
   * Makes the error.
   *
   * @param code The stable code.
   * @param message What could not be done, why, the value found, what was wanted.
   * @param options The facts about the condition, and the cause.
   */
  constructor(
    code: Code,
    message: string,
    options: { readonly details: ErrorDetails[Code]; readonly cause?: unknown },
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details as DetailsOf<Code>;
    this.name = new.target.name;
  }
}

/**
 * The error of a code: {@linkcode ActivityError} says more than its details.
 *
 * @category Errors
 */
export type ErrorOf<Code extends ErrorCode> = Code extends "ACTIVITY_FAILED" ? ActivityError
  : ContinuumError<Code>;

/**
 * Whether `error` is the error of this package with that code. Works across copies of the package,
 * and for errors that were read back from a run's history.
 *
 * ```ts ignore
 * if (isContinuumError(error, "PAYLOAD_TOO_LARGE")) console.log(error.details.limit);
 * ```
 *
 * @param error Anything that was thrown.
 * @param code The stable code to look for; `docs/errors.md` lists them.
 * @returns Whether it is. Its `details` have the type of that code then.
 *
 * @category Errors
 */
export function isContinuumError<Code extends ErrorCode>(
  error: unknown,
  code: Code,
): error is ErrorOf<Code>;
/**
 * Whether `error` is one of this package's errors.
 *
 * @param error Anything that was thrown.
 * @returns Whether it is.
 */
export function isContinuumError(error: unknown): error is ContinuumError;
export function isContinuumError(error: unknown, code?: ErrorCode): boolean {
  try {
    return error instanceof Error && "code" in error && typeof error.code === "string" &&
      "details" in error && (code === undefined || error.code === code);
  } catch {
    return false; // a getter or a trap that throws
  }
}

/**
 * An argument or option of a call has a value that the call does not take.
 *
 * @category Errors
 */
export class InvalidArgumentError extends ContinuumError<
  "INVALID_ARGUMENT" | "INVALID_CURSOR" | "DATABASE_OPTION" | "UNSTORABLE_TEXT"
> {
  /**
   * Makes the error.
   *
   * @param message What could not be done, the value found, what was wanted.
   * @param details Facts about the condition.
   * @param code Which argument it is, where that has a code of its own.
   */
  constructor(
    message: string,
    details: Record<string, unknown> = {},
    code: InvalidArgumentError["code"] = "INVALID_ARGUMENT",
  ) {
    super(code, message, { details });
  }
}

/**
 * A value cannot be written into the journal; the message has the path of the offending part.
 *
 * @category Errors
 */
export class NotSerializableError extends ContinuumError<"NOT_SERIALIZABLE"> {
  /** The path of the offending part, such as `input.items[3].callback`. */
  readonly path: string;

  /**
   * Makes the error.
   *
   * @param path The path of the offending part.
   * @param found What was found there.
   * @param cause The error that reading it threw, if any.
   */
  constructor(path: string, found: string, cause?: unknown) {
    const at = shownId(path, MAX_WHAT);
    const shown = shownId(found, MAX_WHAT);
    super(
      "NOT_SERIALIZABLE",
      `Cannot serialise ${at}: found ${shown}, wanted JSON, Date, bigint, Map, Set, Uint8Array, ` +
        `undefined or Error`,
      { details: { path: at, found: shown }, ...(cause === undefined ? {} : { cause }) },
    );
    this.path = at;
  }
}

/**
 * A value is larger than `limits.payloadBytes`. No part of it is written.
 *
 * @category Errors
 */
export class PayloadTooLargeError extends ContinuumError<"PAYLOAD_TOO_LARGE"> {
  /**
   * Makes the error.
   *
   * @param what Which value: `the input of workflow "order"`.
   * @param bytes How many bytes it has when encoded.
   * @param limit How many it may have.
   */
  constructor(what: string, bytes: number, limit: number) {
    const shown = shownId(what, MAX_WHAT);
    super(
      "PAYLOAD_TOO_LARGE",
      `Cannot take ${shown}: found ${bytes} bytes, wanted at most ${limit}; keep the bulk ` +
        `elsewhere and pass where it is, or raise limits.payloadBytes`,
      { details: { what: shown, bytes, limit } },
    );
  }
}

/** A text that was to be decoded was not written by this package. */
export class CorruptValueError extends ContinuumError<"CORRUPT_VALUE"> {
  /**
   * Makes the error.
   *
   * @param message What could not be decoded, and why.
   * @param cause The error of the parser, if any.
   */
  constructor(message: string, cause?: unknown) {
    super("CORRUPT_VALUE", message, { details: {}, ...(cause === undefined ? {} : { cause }) });
  }
}

/**
 * A payload codec failed, or there is none that can read a value. It never says anything of the
 * value itself.
 *
 * @category Errors
 */
export class ValueCodecError extends ContinuumError<"VALUE_NOT_ENCODED" | "VALUE_NOT_DECODED"> {
  /**
   * Makes the error.
   *
   * @param code Whether a value was to be encoded or decoded.
   * @param message What could not be done, and why.
   * @param details The facts.
   */
  constructor(
    code: ValueCodecError["code"],
    message: string,
    details: ErrorDetails["VALUE_NOT_ENCODED"] | ErrorDetails["VALUE_NOT_DECODED"],
  ) {
    super(code, message, { details });
  }
}

/**
 * Which time limit an attempt, or all attempts of an activity, exceeded.
 *
 * @category Errors
 */
export type TimeoutKind = "startToClose" | "scheduleToStart" | "scheduleToClose" | "heartbeat";

/**
 * A wait or an attempt took longer than allowed. For an attempt, `details.timeout` is a
 * {@linkcode TimeoutKind} and `details.timeoutMs` the limit in whole milliseconds.
 *
 * @category Errors
 */
export class TimeoutError extends ContinuumError<"TIMEOUT" | "RUN_TIMEOUT"> {
  /**
   * Makes the error.
   *
   * @param message What did not happen, and within which time.
   * @param details Facts about the condition.
   */
  constructor(message: string, details?: Record<string, unknown>);
  /**
   * Makes the error of a run that has not ended within its timeout.
   *
   * @param message What did not happen, and within which time.
   * @param details The run, and the milliseconds that it had.
   * @param code Code `RUN_TIMEOUT`.
   */
  constructor(message: string, details: ErrorDetails["RUN_TIMEOUT"], code: "RUN_TIMEOUT");
  constructor(
    message: string,
    details: Record<string, unknown> = {},
    code: TimeoutError["code"] = "TIMEOUT",
  ) {
    super(code, message, { details });
  }
}

/**
 * A run has not ended within its timeout: its code received the timeout like a
 * cancellation, and did not catch it.
 *
 * @param runId The run's id.
 * @param timeout Milliseconds that it had.
 * @returns The error, with code `RUN_TIMEOUT`.
 */
export function runTimeout(runId: string, timeout: number): TimeoutError {
  return new TimeoutError(
    `Run ${quoteId(runId)} timed out: it had ${timeout} ms`,
    { runId: shownId(runId), timeout },
    "RUN_TIMEOUT",
  );
}

/**
 * Whether an error is that of a run whose timeout has passed.
 *
 * @param error Anything that was thrown.
 * @param runId The run's id.
 * @returns Whether {@linkcode runTimeout} made it for that run.
 */
export function isTimeoutOfRun(error: unknown, runId: string): error is ErrorOf<"RUN_TIMEOUT"> {
  return isContinuumError(error, "RUN_TIMEOUT") &&
    (error.details.runId === shownId(runId) || error.details.runId === runId);
}

/**
 * A failure that a workflow or an activity reports on purpose, such as a rejected order.
 *
 * @category Errors
 */
export class WorkflowError extends ContinuumError<"WORKFLOW_ERROR"> {
  /**
   * Makes the error.
   *
   * @param message What went wrong, for people who read the run's result.
   * @param options The cause, and facts that are stored with the run.
   */
  constructor(
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super("WORKFLOW_ERROR", message, { details: {}, ...options });
  }
}

/**
 * A failure that no retry can fix. A step, an activity, a transaction, a compensation or a run that
 * throws it is not retried, whatever its `retry` says. Code `NON_RETRYABLE`.
 *
 * @category Errors
 */
export class NonRetryableError extends ContinuumError<"NON_RETRYABLE"> {
  /**
   * Makes the error.
   *
   * @param message What went wrong.
   * @param options The cause, and facts that are stored with the failure.
   */
  constructor(
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super("NON_RETRYABLE", message, { details: {}, ...options });
  }
}

/**
 * An attempt of an activity that failed.
 *
 * @category Errors
 */
export interface FailedAttempt {
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The error that it threw, as recorded. */
  readonly error: unknown;
  /** When it failed. */
  readonly at: Date;
}

/**
 * An activity failed permanently; `cause` is the recorded error of its last attempt.
 *
 * @category Errors
 */
export class ActivityError extends ContinuumError<"ACTIVITY_FAILED"> {
  /** The activity's name. */
  readonly activity: string;
  /** Its attempts, oldest first: the last 20 of them. Empty if it failed without an attempt. */
  readonly attempts: readonly FailedAttempt[];

  /**
   * Makes the error.
   *
   * @param activity The activity's name.
   * @param position Its position in the run's program order.
   * @param cause The error of its last attempt.
   * @param attempts Its attempts, oldest first.
   */
  constructor(
    activity: string,
    position: number,
    cause: unknown,
    attempts: readonly FailedAttempt[] = [],
  ) {
    const why = messageOf(cause);
    super("ACTIVITY_FAILED", `Activity ${quoteId(activity)} failed: ${why}`, {
      cause,
      details: { activity: shownId(activity), position },
    });
    this.activity = this.details.activity;
    this.attempts = attempts;
  }
}

/**
 * The run was asked to cancel. Everything that the workflow waits for throws it, once. Effects that
 * the code requests afterwards work, so `finally` can clean up. If the code does not catch it, the
 * run becomes `cancelled`.
 *
 * @category Errors
 */
export class CancelledError extends ContinuumError<"CANCELLED"> {
  /**
   * Makes the error.
   *
   * @param reason The reason that the caller gave.
   */
  constructor(reason: string | null = null) {
    super("CANCELLED", `The run was cancelled${reason === null ? "" : `: ${reason}`}`, {
      details: { reason },
    });
  }
}

/**
 * Compensations of a saga failed permanently; `cause` is why the saga was undone.
 *
 * @category Errors
 */
export class CompensationError extends ContinuumError<"COMPENSATION_FAILED"> {
  /** The errors of the compensations, in the order of their failing. */
  readonly failures: readonly unknown[];

  /**
   * Makes the error.
   *
   * @param failures The errors of the compensations.
   * @param cause The error for which the saga was undone, if any.
   */
  constructor(failures: readonly unknown[], cause?: unknown) {
    const first = messageOf(failures[0]);
    super(
      "COMPENSATION_FAILED",
      `Cannot undo all of a saga: ${failures.length} compensations failed, the first with: ${first}`,
      { details: { failures }, ...(cause === undefined ? {} : { cause }) },
    );
    this.failures = failures;
  }
}

/**
 * A child run was not started, or did not complete; `cause` is what was recorded with its end. Code
 * `CHILD_NOT_STARTED` or `CHILD_FAILED`.
 *
 * @category Errors
 */
export class ChildError<
  Code extends "CHILD_FAILED" | "CHILD_NOT_STARTED" = "CHILD_FAILED" | "CHILD_NOT_STARTED",
> extends ContinuumError<Code> {}

/**
 * A child run did not complete.
 *
 * @param childId The child's run id.
 * @param state How it ended; `not_started`: it was not begun.
 * @param cause What was recorded with its end.
 * @returns The error, with code `CHILD_FAILED`.
 */
export function childFailed(childId: string, state: string, cause: unknown): ChildError {
  const isTold = !(cause instanceof Error) || cause.name === "ChildError"; // by the chain of causes
  const why = isTold ? "" : `: ${cause.message}`;
  return new ChildError(
    "CHILD_FAILED",
    `Child run ${quoteId(childId)} is ${state.replace("_", " ")}${why}`,
    { cause, details: { childId: shownId(childId), state } },
  );
}

/**
 * Workflow code called a function whose result a replay cannot repeat, such as `fetch`.
 *
 * @category Errors
 */
export class NondeterministicCallError extends ContinuumError<"NONDETERMINISTIC_CALL"> {
  /**
   * Makes the error.
   *
   * @param call The function that was called, such as `setTimeout`.
   * @param instead What to call instead.
   * @param site Where it was called, as `url:line:column`, if known.
   */
  constructor(call: string, instead: string, site: string | null) {
    super(
      "NONDETERMINISTIC_CALL",
      `Cannot call ${call} in workflow code${site === null ? "" : ` at ${site}`}: a replay ` +
        `would not repeat its answer; use ${instead}`,
      { details: { call, instead, site } },
    );
  }
}

/**
 * An input, a signal or an answer is not what the version of the workflow declares: by its schemas,
 * or by the names of its signals. Code `INVALID_INPUT`, `INVALID_SIGNAL_PAYLOAD`, `INVALID_ANSWER`
 * or `UNDECLARED_SIGNAL`.
 *
 * @category Errors
 */
export class InvalidInputError<
  Code extends
    | "INVALID_INPUT"
    | "INVALID_SIGNAL_PAYLOAD"
    | "INVALID_ANSWER"
    | "UNDECLARED_SIGNAL" =
      | "INVALID_INPUT"
      | "INVALID_SIGNAL_PAYLOAD"
      | "INVALID_ANSWER"
      | "UNDECLARED_SIGNAL",
> extends ContinuumError<Code> {}

/**
 * The workflow does not declare a signal of this name. What counts is the version of the run that
 * the signal was sent to, or that waits for it.
 *
 * @param signal The signal's name.
 * @param workflow The workflow's name.
 * @param declared The names that the workflow declares.
 * @returns The error, with code `UNDECLARED_SIGNAL`.
 */
export function undeclaredSignal(
  signal: string,
  workflow: string,
  declared: readonly string[],
): InvalidInputError {
  return new InvalidInputError(
    "UNDECLARED_SIGNAL",
    `Cannot use signal ${quoteId(signal)} with workflow ${quoteId(workflow)}: ` +
      `found a name that it does not declare, wanted ${
        declared.length === 0 ? "none at all" : declared.map((n) => quoteId(n)).join(", ")
      }`,
    {
      details: {
        signal: shownId(signal),
        workflow: shownId(workflow),
        declared: declared.map((name) => shownId(name)),
      },
    },
  );
}

/**
 * A run's context was used where it does not apply: after the end, in a step, in another run.
 *
 * @category Errors
 */
export class ContextError extends ContinuumError<"CONTEXT_MISUSED"> {
  /**
   * Makes the error.
   *
   * @param message What could not be called, and why.
   * @param details Facts about the condition.
   */
  constructor(message: string, details: Record<string, unknown> = {}) {
    super("CONTEXT_MISUSED", message, { details });
  }
}
