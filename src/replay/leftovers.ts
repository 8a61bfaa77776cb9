/**
 * Delayed effects of the code of steps and versions: timers, whose errors the runtime reports
 * without their async context, and attempts to end the process.
 *
 * @module
 */

import { lateError } from "./rejections.ts";
import { scope } from "./scope.ts";

/** The names of timer functions in the table of rules. */
export const TIMERS: ReadonlySet<string> = new Set(
  ["setTimeout", "setInterval", "setImmediate"].flatMap((name) => [name, `node:timers.${name}`]),
);

/** The names of functions that end the process, in the table of rules. */
export const ENDS: ReadonlySet<string> = new Set([
  "Deno.exit",
  "Deno.kill",
  "process.abort",
  "process.exit",
  "process.kill",
  "process.reallyExit",
]);

/**
 * Wraps the callback of a timer, so that its errors are reported to the step or the version that
 * set the timer.
 *
 * @param args The arguments of the timer function.
 * @returns The arguments with the wrapped callback.
 */
export function caughtInTimer(args: unknown[]): unknown[] {
  const owner = scope.getStore();
  const [callback, ...rest] = args;
  const isOurs = owner?.kind === "step" || owner?.kind === "module";
  if (!isOurs || typeof callback !== "function") return args;
  const report = (error: unknown) => {
    if (owner.kind === "step") owner.report(error);
    else if (owner.isOver) lateError(error);
    else owner.noteFailure(error);
  };
  return [function (this: unknown, ...given: unknown[]): unknown {
    try {
      return Reflect.apply(callback, this, given);
    } catch (error) {
      report(error);
    }
  }, ...rest];
}

/**
 * Refuses to end the process for code that a module of a version has started, since no run
 * requested it. A step may end its process: its author decides.
 *
 * @param name The function that is called.
 * @param args Its arguments.
 * @throws {Error} If such code calls it for this process.
 */
export function refuseEnd(name: string, args: unknown[]): void {
  const owner = scope.getStore();
  if (owner?.kind !== "module") return;
  if (name.endsWith(".kill") && args[0] !== Deno.pid) return;
  if (!owner.isOver && name.endsWith("xit")) return; // the import itself refuses these
  const error = new Error(
    `Cannot call ${name}: a module of a version called it, outside of a step`,
  );
  owner.noteFailure(error);
  throw error;
}
