/**
 * Sagas: functions whose steps are compensated, in reverse order, if the function throws.
 *
 * @module
 */

import { checkBoolean, checkFunction, checkOptions } from "../base/arguments.ts";
import { CompensationError } from "../base/errors.ts";
import { stackless } from "../base/stackless.ts";
import { encode } from "../base/values.ts";
import { type ActivityDefinition, readActivity } from "./activity.ts";
import type { CompensateOptions, Saga } from "./context_types.ts";

/** Runs an activity to its end, even if the run is cancelled meanwhile. */
export type Undo = (
  // deno-lint-ignore no-explicit-any -- inputs differ from activity to activity
  activity: ActivityDefinition<any, any> | string,
  input: unknown,
) => Promise<unknown>;

type Undone = readonly [activity: Parameters<Undo>[0], input: unknown];

/** {@linkcode Saga} with activities as compensations. */
class UndoStack implements Saga {
  readonly #undo: Undo;
  #stack: Undone[] = [];

  constructor(undo: Undo) {
    this.#undo = undo;
  }

  undo(activity: Undone[0], input?: unknown): void {
    readActivity(activity, "saga.undo");
    encode(input, "input"); // throws at the call, rather than during the compensation
    this.#stack.push([activity, input]);
  }

  /** Executes all compensations, even if some of them fail for good. */
  async compensate(options: CompensateOptions = {}): Promise<void> {
    checkOptions(options, ["parallel"], "saga.compensate");
    const { parallel = false } = options;
    checkBoolean(parallel, "option parallel of saga.compensate");
    const stack = this.#stack.reverse();
    this.#stack = [];
    const failures: unknown[] = [];
    const undo = ([activity, input]: Undone) =>
      this.#undo(activity, input).catch((error) => void failures.push(error));
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
 * @param undo Runs an activity to its end.
 * @returns The result of the function.
 * @throws The error of the function, or {CompensationError} with that error as its cause if a
 * compensation failed for good.
 */
export async function runSaga<T>(body: (saga: Saga) => Promise<T> | T, undo: Undo): Promise<T> {
  checkFunction(body, "the function of ctx.saga");
  const saga = new UndoStack(undo);
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
