/**
 * Error classes, one for each condition that a caller may want to catch. Each has a stable
 * {@linkcode ContinuumError.code}; recognise errors by it (see {@linkcode isContinuumError}), never
 * by `instanceof`: two copies of the package may meet in one process.
 *
 * A message says what could not be done, why, the value found and what was wanted.
 *
 * @module
 */

import { messageOf } from "./text.ts";

/**
 * The root of every error that this package throws on purpose.
 *
 * @category Errors
 */
export class ContinuumError extends Error {
  /** A stable, upper-case word for the condition; never changes between releases. */
  readonly code: string;
  /** Facts about the condition, safe to serialise. */
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * Makes the error.
   *
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
 * @category Errors
 */
export function isContinuumError(error: unknown, code?: string): error is ContinuumError {
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
export class InvalidArgumentError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message What could not be done, the value found, what was wanted.
   * @param details Facts about the condition.
   */
  constructor(message: string, details: Record<string, unknown> = {}) {
    super("INVALID_ARGUMENT", message, { details });
  }
}

/**
 * A value cannot be written into the journal; the message has the path of the offending part.
 *
 * @category Errors
 */
export class NotSerializableError extends ContinuumError {
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
    super(
      "NOT_SERIALIZABLE",
      `Cannot serialise ${path}: found ${found}, wanted JSON, Date, bigint, Map, Set, Uint8Array, ` +
        `undefined or Error`,
      { details: { path, found }, ...(cause === undefined ? {} : { cause }) },
    );
    this.path = path;
  }
}

/**
 * A value is larger than `limits.payloadBytes`. No part of it is written.
 *
 * @category Errors
 */
export class PayloadTooLargeError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param what Which value: `the input of workflow "order"`.
   * @param bytes How many bytes it has when encoded.
   * @param limit How many it may have.
   */
  constructor(what: string, bytes: number, limit: number) {
    super(
      "PAYLOAD_TOO_LARGE",
      `Cannot take ${what}: found ${bytes} bytes, wanted at most ${limit}; keep the bulk ` +
        `elsewhere and pass where it is, or raise limits.payloadBytes`,
      { details: { what, bytes, limit } },
    );
  }
}

/** A text that was to be decoded was not written by this package. */
export class CorruptValueError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message What could not be decoded, and why.
   * @param cause The error of the parser, if any.
   */
  constructor(message: string, cause?: unknown) {
    super("CORRUPT_VALUE", message, cause === undefined ? {} : { cause });
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
export class TimeoutError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message What did not happen, and within which time.
   * @param details Facts about the condition.
   */
  constructor(message: string, details: Record<string, unknown> = {}) {
    super("TIMEOUT", message, { details });
  }
}

/**
 * A failure that a workflow or an activity reports on purpose, such as a rejected order.
 *
 * @category Errors
 */
export class WorkflowError extends ContinuumError {
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
    super("WORKFLOW_ERROR", message, options);
  }
}

/**
 * A failure that no retry can fix. A step, an activity, a transaction, a compensation or a run that
 * throws it is not retried, whatever its `retry` says. Code `NON_RETRYABLE`.
 *
 * @category Errors
 */
export class NonRetryableError extends ContinuumError {
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
    super("NON_RETRYABLE", message, options);
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
export class ActivityError extends ContinuumError {
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
    super("ACTIVITY_FAILED", `Activity ${JSON.stringify(activity)} failed: ${why}`, {
      cause,
      details: { activity, position },
    });
    this.activity = activity;
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
export class CancelledError extends ContinuumError {
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
 * A run did not end within its timeout. Its code received the timeout like a cancellation, and did
 * not catch it. Code `RUN_TIMEOUT`.
 *
 * @category Errors
 */
export class RunTimeoutError extends ContinuumError {
  /** The run's id. */
  readonly runId: string;
  /** The run's timeout, in milliseconds. */
  readonly timeout: number;

  /**
   * Makes the error.
   *
   * @param runId The run's id.
   * @param timeout The run's timeout, in milliseconds.
   */
  constructor(runId: string, timeout: number) {
    super("RUN_TIMEOUT", `Run ${JSON.stringify(runId)} timed out: it had ${timeout} ms`, {
      details: { runId, timeout },
    });
    this.runId = runId;
    this.timeout = timeout;
  }
}

/**
 * Compensations of a saga failed permanently; `cause` is why the saga was undone.
 *
 * @category Errors
 */
export class CompensationError extends ContinuumError {
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
 * A child run did not complete; `cause` is the error that was recorded with its end.
 *
 * @category Errors
 */
export class ChildError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param childId The child's run id.
   * @param state How it ended; `not_started`: it was never started.
   * @param cause The error that was recorded with its end.
   */
  constructor(childId: string, state: string, cause: unknown) {
    const isInCause = !(cause instanceof Error) || cause.name === "ChildError"; // by the chain of causes
    const why = isInCause ? "" : `: ${cause.message}`;
    super(
      "CHILD_FAILED",
      `Child run ${JSON.stringify(childId)} is ${state.replace("_", " ")}${why}`,
      {
        cause,
        details: { childId, state },
      },
    );
  }
}

/**
 * Workflow code called a function whose result a replay cannot repeat, such as `fetch`.
 *
 * @category Errors
 */
export class NondeterministicCallError extends ContinuumError {
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
 * The workflow does not declare a signal of this name. What counts is the version of the run that
 * the signal was sent to, or that waits for it.
 *
 * @category Errors
 */
export class UndeclaredSignalError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param signal The signal's name.
   * @param workflow The workflow's name.
   * @param declared The names that the workflow declares.
   */
  constructor(signal: string, workflow: string, declared: readonly string[]) {
    super(
      "UNDECLARED_SIGNAL",
      `Cannot use signal ${JSON.stringify(signal)} with workflow ${JSON.stringify(workflow)}: ` +
        `found a name that it does not declare, wanted ${
          declared.length === 0 ? "none at all" : declared.map((n) => JSON.stringify(n)).join(", ")
        }`,
      { details: { signal, workflow, declared } },
    );
  }
}

/**
 * A run's context was used where it does not apply: after the end, in a step, in another run.
 *
 * @category Errors
 */
export class ContextError extends ContinuumError {
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
