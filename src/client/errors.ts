/**
 * What callers of runs may want to catch.
 *
 * @module
 */

import { messageOf } from "../base/text.ts";
import { ContinuumError } from "../base/errors.ts";
import type { RunState } from "../ports/rows.ts";

/**
 * No run has that id. Code `RUN_NOT_FOUND`.
 *
 * @category Errors
 */
export class RunNotFoundError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param runId The id.
   * @param action What was to be done.
   */
  constructor(runId: string, action: string) {
    super("RUN_NOT_FOUND", `Cannot ${action}: no run has the id ${JSON.stringify(runId)}`, {
      details: { runId },
    });
  }
}

/**
 * A run has no such generation, or not any more. Code `GENERATION_NOT_FOUND`.
 *
 * @category Errors
 */
export class GenerationNotFoundError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param runId The run.
   * @param generation The number that was asked for.
   * @param kept The numbers of the first and the last generation that are there.
   */
  constructor(
    runId: string,
    generation: number,
    kept: { readonly first: number; readonly last: number },
  ) {
    const { first, last } = kept;
    const wanted = first === last ? `${last}, the only one` : `one from ${first} to ${last}`;
    super(
      "GENERATION_NOT_FOUND",
      `Cannot read the history: run ${JSON.stringify(runId)} has no generation ${generation}, ` +
        `wanted ${wanted}`,
      { details: { runId, generation, ...kept } },
    );
  }
}

/**
 * A run with that id exists already, and is not to be used or replaced. Code `RUN_EXISTS`.
 *
 * @category Errors
 */
export class RunExistsError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param runId The id.
   * @param found The run that has it.
   */
  constructor(runId: string, found: { readonly workflow: string; readonly state: RunState }) {
    const { workflow, state } = found;
    super(
      "RUN_EXISTS",
      `Cannot start a run with the id ${JSON.stringify(runId)}: found one of workflow ` +
        `${JSON.stringify(workflow)} that is ${state}, wanted an id that is free, or another ` +
        'ifExists: "use", "useEnded", "replaceEnded" or "terminate"',
      { details: { runId, workflow, state } },
    );
  }
}

/**
 * A start with that idempotency key came before, with another input. Code `IDEMPOTENCY_CONFLICT`.
 *
 * @category Errors
 */
export class IdempotencyConflictError extends ContinuumError {
  /** The run that the key started. */
  readonly runId: string;

  /**
   * Makes the error.
   *
   * @param key The key.
   * @param workflow The workflow's name.
   * @param runId The run that the key started.
   */
  constructor(key: string, workflow: string, runId: string) {
    super(
      "IDEMPOTENCY_CONFLICT",
      `Cannot start workflow ${JSON.stringify(workflow)}: idempotency key ${
        JSON.stringify(key)
      } has started run ${JSON.stringify(runId)} with another input, wanted the same input, or ` +
        "another key",
      { details: { key, workflow, runId } },
    );
    this.runId = runId;
  }
}

/**
 * The run has ended, so that this can't be done to it any more. Code `RUN_ENDED`.
 *
 * @category Errors
 */
export class RunEndedError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param runId The run.
   * @param action What was to be done.
   * @param state How it ended.
   */
  constructor(runId: string, action: string, state: RunState) {
    super("RUN_ENDED", `Cannot ${action}: run ${JSON.stringify(runId)} has ended, it is ${state}`, {
      details: { runId, state },
    });
  }
}

/**
 * The run is in a state in which this can't be done. Code `RUN_STATE`.
 *
 * @category Errors
 */
export class RunStateError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param runId The run.
   * @param action What was to be done.
   * @param state The state it is in.
   * @param wanted The state it would have to be in, or what to do instead.
   */
  constructor(runId: string, action: string, state: RunState, wanted: string) {
    super(
      "RUN_STATE",
      `Cannot ${action}: run ${JSON.stringify(runId)} is ${state}, wanted ${wanted}`,
      { details: { runId, state } },
    );
  }
}

/**
 * The run failed; `cause` is what its workflow threw, as it was recorded. Code `RUN_FAILED`.
 *
 * @category Errors
 */
export class RunFailedError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param runId The run.
   * @param cause What its workflow threw.
   */
  constructor(runId: string, cause: unknown) {
    const why = messageOf(cause);
    super("RUN_FAILED", `Run ${JSON.stringify(runId)} failed: ${why}`, {
      cause,
      details: { runId },
    });
  }
}

/**
 * The run was ended from outside. Code `RUN_CANCELLED` or `RUN_TERMINATED`.
 *
 * @category Errors
 */
export class RunStoppedError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param runId The run.
   * @param state How it was ended.
   * @param cause What was recorded with it.
   */
  constructor(runId: string, state: "cancelled" | "terminated", cause: unknown) {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    super(
      state === "cancelled" ? "RUN_CANCELLED" : "RUN_TERMINATED",
      `Run ${JSON.stringify(runId)} was ${state}${why}`,
      { cause, details: { runId } },
    );
  }
}
