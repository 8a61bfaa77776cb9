/**
 * Errors of calls on runs, from outside and from other runs.
 *
 * @module
 */

import { authored } from "./authored.ts";
import { idOf, quoteId, shownId } from "./describe.ts";
import { encodedParts, isEncoded, notDecoded } from "./encoded.ts";
import { ContinuumError, isTimeoutOfRun, runTimeout, type TimeoutError } from "./errors.ts";
import { messageOf } from "./text.ts";
import { decodeError } from "./values_failure.ts";

/**
 * The run, or the generation of the run, does not exist, or the run is of another workflow. Code
 * `RUN_NOT_FOUND`, `RUN_OF_OTHER_WORKFLOW` or `GENERATION_NOT_FOUND`.
 *
 * @category Errors
 */
export class RunNotFoundError<
  Code extends "RUN_NOT_FOUND" | "RUN_OF_OTHER_WORKFLOW" | "GENERATION_NOT_FOUND" =
    | "RUN_NOT_FOUND"
    | "RUN_OF_OTHER_WORKFLOW"
    | "GENERATION_NOT_FOUND",
> extends ContinuumError<Code> {}

/**
 * No run has that id.
 *
 * @param runId The id.
 * @param action What the call attempted.
 * @returns The error, with code `RUN_NOT_FOUND`.
 */
export function runNotFound(runId: string, action: string): RunNotFoundError {
  return new RunNotFoundError(
    "RUN_NOT_FOUND",
    `Cannot ${action}: no run has the id ${quoteId(runId)}`,
    {
      details: { runId: idOf(runId) },
    },
  );
}

/**
 * The call does not apply to the state of the run, which has ended or not, whose parent may request
 * it again, or whose end another run has received. Code `RUN_ENDED`, `RUN_STATE`, `RUN_AWAITED` or
 * `RUN_END_REPORTED`.
 *
 * @category Errors
 */
export class RunStateError<
  Code extends "RUN_ENDED" | "RUN_STATE" | "RUN_AWAITED" | "RUN_END_REPORTED" =
    | "RUN_ENDED"
    | "RUN_STATE"
    | "RUN_AWAITED"
    | "RUN_END_REPORTED",
> extends ContinuumError<Code> {}

/**
 * The run has ended, so the call is impossible.
 *
 * @param runId The run.
 * @param action What the call attempted.
 * @param state How it ended.
 * @returns The error, with code `RUN_ENDED`.
 */
export function runEnded(runId: string, action: string, state: string): RunStateError {
  return new RunStateError(
    "RUN_ENDED",
    `Cannot ${action}: run ${quoteId(runId)} has ended, it is ${state}`,
    {
      details: { runId: idOf(runId), state },
    },
  );
}

/**
 * The run failed; `cause` is the recorded error of its workflow. Code `RUN_FAILED`.
 *
 * @category Errors
 */
export class RunFailedError extends ContinuumError<"RUN_FAILED"> {
  /**
   * Creates the error.
   *
   * @param runId The run.
   * @param cause The recorded error of its workflow.
   */
  constructor(runId: string, cause: unknown) {
    const why = messageOf(cause);
    super("RUN_FAILED", `Run ${quoteId(runId)} failed: ${why}`, {
      cause,
      details: { runId: idOf(runId) },
    });
  }
}

/**
 * The run was cancelled or terminated. Code `RUN_CANCELLED` or `RUN_TERMINATED`.
 *
 * @category Errors
 */
export class RunStoppedError extends ContinuumError<"RUN_CANCELLED" | "RUN_TERMINATED"> {
  /**
   * Creates the error.
   *
   * @param runId The run.
   * @param state How it ended.
   * @param cause The error that was recorded with the end.
   */
  constructor(runId: string, state: "cancelled" | "terminated", cause: unknown) {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    super(
      state === "cancelled" ? "RUN_CANCELLED" : "RUN_TERMINATED",
      `Run ${quoteId(runId)} was ${state}${why}`,
      { cause, details: { runId: idOf(runId) } },
    );
  }
}

/**
 * An ask has no answer: its handler threw (`cause` is what it threw), the run ended or began a new
 * generation before it had answered, or there is no such ask. Code `ASK_FAILED`, `ASK_UNANSWERED`
 * or `ASK_NOT_FOUND`.
 *
 * @category Errors
 */
export class AskError<
  Code extends "ASK_FAILED" | "ASK_UNANSWERED" | "ASK_NOT_FOUND" =
    | "ASK_FAILED"
    | "ASK_UNANSWERED"
    | "ASK_NOT_FOUND",
> extends ContinuumError<Code> {}

/** Which ask has no answer. */
export interface AskPlace {
  /** The run that was asked. */
  readonly runId: string;
  /** The id of the ask. */
  readonly askId: string;
}

/**
 * The handler of an ask threw, or what it returned can't be the answer.
 *
 * @param place Which ask.
 * @param cause What was recorded.
 * @returns The error, with code `ASK_FAILED`.
 */
export function askFailed({ runId, askId }: AskPlace, cause: unknown): AskError {
  return new AskError(
    "ASK_FAILED",
    `Run ${quoteId(runId)} failed to answer ask ${quoteId(askId)}: ${messageOf(cause)}`,
    { cause, details: { runId: shownId(runId), askId: shownId(askId) } },
  );
}

/**
 * A run has ended, or has begun a new generation, and has not answered an ask.
 *
 * @param place Which ask.
 * @param state The state of the run.
 * @returns The error, with code `ASK_UNANSWERED`.
 */
export function askUnanswered({ runId, askId }: AskPlace, state: string): AskError {
  return new AskError(
    "ASK_UNANSWERED",
    `Run ${quoteId(runId)} did not answer ask ${quoteId(askId)}: it is ${state}, and the ` +
      "generation that had the ask is over",
    { details: { runId: shownId(runId), askId: shownId(askId), state } },
  );
}

/**
 * A run has no such ask, or retention has removed its answer.
 *
 * @param place Which ask.
 * @returns The error, with code `ASK_NOT_FOUND`.
 */
export function askNotFound({ runId, askId }: AskPlace): AskError {
  return new AskError(
    "ASK_NOT_FOUND",
    `Cannot wait for the answer to ask ${quoteId(askId)}: run ${quoteId(runId)} has received ` +
      "none with that id, or retention has removed it",
    { details: { runId: shownId(runId), askId: shownId(askId) } },
  );
}

/**
 * A run has ended, and has not published a value of that name.
 *
 * @category Errors
 */
export class NotPublishedError extends ContinuumError<"NOT_PUBLISHED"> {
  /**
   * Makes the error.
   *
   * @param runId The run.
   * @param name The name of the value.
   * @param state How the run ended.
   */
  constructor(runId: string, name: string, state: string) {
    super(
      "NOT_PUBLISHED",
      `Cannot wait for value ${quoteId(name)} of run ${quoteId(runId)}: it is ${state}, and has ` +
        "published none of that name",
      { details: { runId: idOf(runId), name: shownId(name), state } },
    );
  }
}

/**
 * The code of a run gave no answer to a query: it threw, does not replay the history, or has no such
 * query there. Code `QUERY_FAILED` or `UNKNOWN_QUERY`.
 *
 * @category Errors
 */
export class QueryError<
  Code extends "QUERY_FAILED" | "UNKNOWN_QUERY" = "QUERY_FAILED" | "UNKNOWN_QUERY",
> extends ContinuumError<Code> {}

/** Which query has no answer. */
export interface QueryPlace {
  /** The run that was asked. */
  readonly runId: string;
  /** The name of the query. */
  readonly query: string;
}

/**
 * The code of a run failed to answer a query.
 *
 * @param place Which query.
 * @param why Why.
 * @param cause What its function threw; `undefined`: it was not called.
 * @returns The error, with code `QUERY_FAILED`.
 */
export function queryFailed({ runId, query }: QueryPlace, why: string, cause: unknown): QueryError {
  const reason = cause === undefined ? why : `${why}: ${messageOf(cause)}`;
  return new QueryError(
    "QUERY_FAILED",
    `Run ${quoteId(runId)} failed to answer query ${quoteId(query)}: ${reason}`,
    { cause, details: { runId: shownId(runId), query: shownId(query) } },
  );
}

/**
 * The code of a run has no such query where it waits or has ended.
 *
 * @param place Which query.
 * @param queries The names of those that there are.
 * @returns The error, with code `UNKNOWN_QUERY`.
 */
export function unknownQuery(
  { runId, query }: QueryPlace,
  queries: readonly string[],
): QueryError {
  const found = queries.length === 0 ? "none" : queries.map(quoteId).join(", ");
  return new QueryError(
    "UNKNOWN_QUERY",
    `Cannot query run ${quoteId(runId)}: found the queries ${found}, wanted ${quoteId(query)}`,
    { details: { runId: shownId(runId), query: shownId(query), queries } },
  );
}

/** How a run ended that did not complete. */
export interface FailedEnd {
  /** Its state. */
  readonly state: string;
  /** The encoded error. */
  readonly error: string | null;
  /** The run's version. */
  readonly hash?: string | undefined;
  /** The run's workflow. */
  readonly workflow?: string | undefined;
}

/**
 * The error of a run that did not complete.
 *
 * @param runId The run.
 * @param end How it ended.
 * @returns What a wait for its result throws.
 */
export function endError(runId: string, { state, error, hash, workflow }: FailedEnd): Error {
  const of = hash === undefined || workflow === undefined ? undefined : { hash, workflow };
  const cause = error === null ? undefined : readError(authored(error, of));
  if (state === "failed") return timeoutOf(runId, cause) ?? new RunFailedError(runId, cause);
  return new RunStoppedError(runId, state as "cancelled" | "terminated", cause);
}

/** Builds the run's own error, since its code may have thrown the error of another run. */
function timeoutOf(runId: string, cause: unknown): TimeoutError | undefined {
  if (!isTimeoutOfRun(cause, runId)) return undefined;
  return runTimeout(runId, Number(cause.details.timeout));
}

/** That something failed is known, even if this process can't read why. */
export function readError(text: string): unknown {
  return isEncoded(text) ? notDecoded(encodedParts(text)) : decodeError(text);
}
