/**
 * How a function answers in place of the one that a replay could not repeat.
 *
 * @module
 */

import type { Answers } from "./scope.ts";

// deno-lint-ignore ban-types -- whatever the runtime has under that name
export type Original = Function;

/** What one guarded global answers within workflow code. */
export interface Virtual {
  /** Answers a call. */
  readonly call?: (
    within: Answers,
    args: unknown[],
    original: Original,
    self: unknown,
  ) => unknown;
  /** Gives the arguments with which `new` is to be called. */
  readonly construct?: (within: Answers, args: unknown[]) => unknown[];
  /** Answers a reading. */
  readonly read?: (within: Answers) => unknown;
}
