/**
 * What replaces a function whose result a replay could not repeat.
 *
 * @module
 */

import type { Answers } from "./scope.ts";

// deno-lint-ignore ban-types -- any function that the runtime has under that name
export type Original = Function;

/** The replacement of one guarded global within workflow code. */
export interface Virtual {
  /** Replaces a call. */
  readonly call?: (
    within: Answers,
    args: unknown[],
    original: Original,
    self: unknown,
  ) => unknown;
  /** Returns the arguments with which `new` is called. */
  readonly construct?: (within: Answers, args: unknown[]) => unknown[];
  /** Replaces a read. */
  readonly read?: (within: Answers) => unknown;
}
