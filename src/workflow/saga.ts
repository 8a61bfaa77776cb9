/**
 * Sagas: functions whose steps are compensated, in reverse order, if the function throws.
 *
 * @module
 */

import { checkBoolean, checkFunction, checkOptions } from "../base/arguments.ts";
import { CompensationError } from "../base/errors.ts";
import { stackless } from "../base/stackless.ts";
import { encode } from "../base/values.ts";
import type { Attempt } from "../replay/commands.ts";
import { type ActivityDefinition, readActivity } from "./activity.ts";
import type { CompensateOptions, Saga, UndoOptions } from "./context_types.ts";

/** Makes compensations that run to their end, even if the run is cancelled meanwhile. */
export interface Compensations {
  /** Runs an activity. */
  activity(
    // deno-lint-ignore no-explicit-any -- inputs differ from activity to activity
    activity: ActivityDefinition<any, any> | string,
    input: unknown,
  ): Promise<unknown>;
  /** Checks the arguments of a step; what it returns runs the step. */
  step(
    name: string,
    fn: (step: Attempt) => unknown,
    options: UndoOptions | undefined,
  ): () => Promise<unknown>;
}

/** {@linkcode Saga} with activities and steps as compensations. */
class UndoStack implements Saga {
  readonly #compensations: Compensations;
  #stack: (() => Promise<unknown>)[] = [];

  constructor(compensations: Compensations) {
    this.#compensations = compensations;
  }

  undo(
    activity: Parameters<Compensations["activity"]>[0],
    input?: unknown,
    options?: UndoOptions,
  ): void {
    if (typeof input === "function") {
      const step = input as (step: Attempt) => unknown;
      this.#stack.push(this.#compensations.step(activity as string, step, options));
      return;
    }
    readActivity(activity, "saga.undo");
    encode(input, "input"); // throws at the call, rather than during the compensation
    this.#stack.push(() => this.#compensations.activity(activity, input));
  }

  /** Executes all compensations, even if some of them fail for good. */
  async compensate(options: CompensateOptions = {}): Promise<void> {
    checkOptions(options, ["parallel"], "saga.compensate");
    const { parallel = false } = options;
    checkBoolean(parallel, "option parallel of saga.compensate");
    const stack = this.#stack.reverse();
    this.#stack = [];
    const failures: unknown[] = [];
    const undo = (compensation: () => Promise<unknown>) =>
      compensation().catch((error) => void failures.push(error));
    if (parallel) await Promise.all(stack.map(undo));
    else for (const undone of stack) await undo(undone);
    if (failures.length > 0) throw stackless(() => new CompensationError(failures));
  }
}

/**
 * Runs a function with a saga, and executes the registered compensations if it throws, also after a
 * cancellation.
 *
 * @param body The function.
 * @param compensations Makes the compensations.
 * @returns The result of the function.
 * @throws The error of the function, or {CompensationError} with that error as its cause if a
 * compensation failed for good.
 */
export async function runSaga<T>(
  body: (saga: Saga) => Promise<T> | T,
  compensations: Compensations,
): Promise<T> {
  checkFunction(body, "the function of ctx.saga");
  const saga = new UndoStack(compensations);
  try {
    return await body(saga);
  } catch (error) {
    try {
      await saga.compensate();
    } catch (failed) {
      throw failed instanceof CompensationError
        ? stackless(() => new CompensationError(failed.failures, error))
        : failed;
    }
    throw error;
  }
}
