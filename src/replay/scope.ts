/**
 * Whose code is running: known through every `await` by `AsyncLocalStorage`, and while a turn is on
 * the stack by the turn itself.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { SeededRandom } from "../base/random.ts";

/** The source of what guarded globals return. */
export interface Answers {
  /** The clock, in milliseconds since the epoch. */
  virtualNow(): number;
  /** When that clock started, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The randomness. */
  readonly randomness: SeededRandom;
  /** Records that a call was refused; returns the error to throw. */
  refuse(call: string, instead: string): Error;
}

/** Workflow code of one execution is running. */
export interface WorkflowScope extends Answers {
  /** Distinguishes the four kinds. */
  readonly kind: "workflow";
  /** Whether a line should be logged: no earlier execution has logged it. */
  shouldLog(): boolean;
  /** Records a promise that was rejected without a handler. */
  noteRejection(promise: Promise<unknown>, reason: unknown): void;
  /** Records that such a promise now has a handler. */
  noteHandled(promise: Promise<unknown>): void;
  /** Records an error that no code could catch, such as in a listener. */
  noteThrown(error: unknown): void;
}

/** A module of a version is being evaluated, or something runs that it started then. */
export interface ModuleScope extends Answers {
  /** Distinguishes the four kinds. */
  readonly kind: "module";
  /** Whether the evaluation has ended: what still runs behaves like the application's own code. */
  readonly isOver: boolean;
  /** Records that random bytes were drawn: they differ from node to node. */
  notice(call: string): void;
  /**
   * Records what fails the evaluation though no code may have caught it: an error of a timer, or an
   * attempt to end the process.
   */
  noteFailure(error: unknown): void;
}

/** A step's callback is running, on behalf of a run but outside of its replay. */
export interface StepScope {
  /** Distinguishes the four kinds. */
  readonly kind: "step";
  /** Receives the reasons of promises that the callback left rejected and unhandled. */
  readonly report: (reason: unknown) => void;
}

/** Code of the engine or of a logger is running, called from workflow code. */
interface OutsideScope {
  readonly kind: "outside";
}

const OUTSIDE: OutsideScope = { kind: "outside" };

/** The scope of the running code; `undefined` for the application's own. */
export const scope: AsyncLocalStorage<
  WorkflowScope | ModuleScope | StepScope | OutsideScope | undefined
> = new AsyncLocalStorage();

let turning: WorkflowScope | null = null;

/**
 * Runs a turn that ends when `body` returns. All code on its stack belongs to its run, even if it
 * restored another async context, such as a snapshot that a module keeps. Stacks that it reads have
 * no frames.
 *
 * @param within The run's scope.
 * @param body The turn.
 * @returns The result of `body`.
 */
export function duringTurn<T>(within: WorkflowScope, body: () => T): T {
  const before = turning;
  turning = within;
  try {
    return withFormat(messageOnly, body);
  } finally {
    turning = before;
  }
}

type StackFormat = NonNullable<typeof Error.prepareStackTrace>;

/**
 * The frames differ with the engine's caller and the code's location, so a stack is its first line.
 */
const messageOnly: StackFormat = (error) => {
  try {
    return String(error);
  } catch {
    return "Error";
  }
};

/** Sets the format of stacks that are read for the first time within `body`. */
function withFormat<T>(format: StackFormat | undefined, body: () => T): T {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = format as StackFormat;
  try {
    return body();
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}

/**
 * Gives an error a stack whose frames workflow code does not see.
 *
 * @param error The error, which has no frames yet.
 * @param frames Its frames, for logs and for people.
 */
export function addFrames(error: Error, frames: readonly string[]): void {
  let head = `${error.stack}`;
  Object.defineProperty(error, "stack", {
    get: () => answering()?.kind === "workflow" ? head : [head, ...frames].join("\n"),
    set: (value) => {
      head = value;
      frames = [];
    },
    enumerable: false,
    configurable: true,
  });
}

/**
 * The scope from which guarded globals take their results.
 *
 * @returns The run, or the module that is being evaluated; `undefined` for all other code.
 */
export function answering(): WorkflowScope | ModuleScope | undefined {
  const store = scope.getStore();
  if (store === undefined) return turning ?? undefined;
  if (store.kind === "workflow") return store;
  if (store.kind !== "module") return undefined;
  return turning ?? (store.isOver ? undefined : store);
}

/**
 * Calls the function of a step or an activity: globals behave as usual in it, and contexts of runs
 * refuse to be used.
 *
 * @param body The function.
 * @param report Receives the reasons of promises that it leaves rejected and unhandled.
 * @returns The result of `body`.
 */
export function exempt<T>(body: () => T, report: (reason: unknown) => void = () => {}): T {
  return scope.run({ kind: "step", report }, body);
}

/**
 * Calls the engine's own code from workflow code: what it starts belongs to the application.
 *
 * @param body The function.
 * @returns The result of `body`.
 */
export function outside<T>(body: () => T): T {
  return scope.run(
    OUTSIDE,
    Error.prepareStackTrace === messageOnly ? () => withFormat(undefined, body) : body,
  );
}
