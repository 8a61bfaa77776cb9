/**
 * Whose code is running: known through every `await` by `AsyncLocalStorage`, and while a turn is on
 * the stack by the turn itself.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { SeededRandom } from "../base/random.ts";

/** What guarded globals answer from. */
export interface Answers {
  /** The clock, in milliseconds since the epoch. */
  virtualNow(): number;
  /** When that clock began, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The randomness. */
  readonly randomness: SeededRandom;
  /** Notes that a call was refused; gives the error to throw. */
  refuse(call: string, instead: string): Error;
}

/** Workflow code of one execution is running. */
export interface WorkflowScope extends Answers {
  /** Which of the four it is. */
  readonly kind: "workflow";
  /** Whether a line is to be said: the code is past all that an earlier execution has said. */
  speaks(): boolean;
  /** Takes notice of a promise that was rejected while nobody looked. */
  noteRejection(promise: Promise<unknown>, reason: unknown): void;
  /** Takes notice that somebody has looked at last. */
  noteHandled(promise: Promise<unknown>): void;
  /** Takes notice of an error that was thrown where nobody could catch it, such as in a listener. */
  noteThrown(error: unknown): void;
}

/** A module of a version is being evaluated, or something goes on that it began then. */
export interface ModuleScope extends Answers {
  /** Which of the four it is. */
  readonly kind: "module";
  /** Whether the evaluation is over: what goes on behaves as the application's own code. */
  readonly isOver: boolean;
  /** Takes notice of random bytes that are drawn: they differ from node to node. */
  notice(call: string): void;
  /**
   * Takes notice of what fails the evaluation though nobody may have seen it: an error of a timer,
   * or that the process was to be ended.
   */
  noteFailure(error: unknown): void;
}

/** A step's callback is running, on behalf of a run but outside of its replay. */
export interface StepScope {
  /** Which of the four it is. */
  readonly kind: "step";
  /** Takes the reasons of promises that the callback left rejected and unhandled. */
  readonly report: (reason: unknown) => void;
}

/** The engine's or a log's code is running, called from workflow code. */
interface OutsideScope {
  readonly kind: "outside";
}

const OUTSIDE: OutsideScope = { kind: "outside" };

/** The scope of the code that is running; undefined for the application's own. */
export const scope: AsyncLocalStorage<
  WorkflowScope | ModuleScope | StepScope | OutsideScope | undefined
> = new AsyncLocalStorage();

let turning: WorkflowScope | null = null;

/**
 * Runs a turn that is over when `body` returns. What runs on its stack belongs to its run, also
 * where it brought another async context along, such as a snapshot that a module keeps. Stacks that
 * it reads hold no frames.
 *
 * @param within The run's scope.
 * @param body The turn.
 * @returns What it returns.
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

/** Who called the engine, and from where code was loaded, differs: a stack is its first line. */
const messageOnly: StackFormat = (error) => {
  try {
    return String(error);
  } catch {
    return "Error";
  }
};

/** How stacks that are read for the first time look meanwhile. */
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
 * Whose answers hold for the code that is running.
 *
 * @returns The run, or the module that is being evaluated; undefined for everybody else.
 */
export function answering(): WorkflowScope | ModuleScope | undefined {
  const store = scope.getStore();
  if (store === undefined) return turning ?? undefined;
  if (store.kind === "workflow") return store;
  if (store.kind !== "module") return undefined;
  return turning ?? (store.isOver ? undefined : store);
}

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
  return scope.run(
    OUTSIDE,
    Error.prepareStackTrace === messageOnly ? () => withFormat(undefined, body) : body,
  );
}
