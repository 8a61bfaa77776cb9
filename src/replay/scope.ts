/**
 * Whose code is running: known through every `await` by `AsyncLocalStorage`.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { SeededRandom } from "../base/random.ts";

/** Workflow code of one execution is running. */
export interface WorkflowScope {
  /** Which of the two it is. */
  readonly kind: "workflow";
  /** The run's clock, in milliseconds since the epoch. */
  virtualNow(): number;
  /** Database time of the run's start, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The run's randomness. */
  readonly randomness: SeededRandom;
  /** Notes that a call was refused; gives the error to throw. */
  refuse(call: string, instead: string): Error;
  /** Takes notice of a promise that was rejected while nobody looked. */
  noteRejection(promise: Promise<unknown>, reason: unknown): void;
  /** Takes notice that somebody has looked at last. */
  noteHandled(promise: Promise<unknown>): void;
}

/** A step's callback is running, on behalf of a run but outside of its replay. */
export interface StepScope {
  /** Which of the two it is. */
  readonly kind: "step";
  /** Takes the reasons of promises that the callback left rejected and unhandled. */
  readonly report: (reason: unknown) => void;
}

/** The scope of the code that is running; undefined for the application's own. */
export const scope: AsyncLocalStorage<WorkflowScope | StepScope | undefined> =
  new AsyncLocalStorage();

/**
 * Calls a step's or an activity's function: globals behave as usual in it, and contexts of runs
 * refuse to be used.
 *
 * @param body The function.
 * @param report Takes the reasons of promises that it leaves rejected and unhandled.
 * @returns What it returns.
 */
export function exempt<T>(body: () => T, report: (reason: unknown) => void = () => {}): T {
  return scope.run({ kind: "step", report }, body);
}

/**
 * Calls the engine's own code from workflow code: all that it starts is the application's.
 *
 * @param body The function.
 * @returns What it returns.
 */
export function outside<T>(body: () => T): T {
  return scope.run(undefined, body);
}
