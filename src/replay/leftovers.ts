/**
 * What code of steps and versions sets off for later: their timers, whose errors the runtime tells
 * without their async context, and their wish to end the process.
 *
 * @module
 */

import { lateError } from "./rejections.ts";
import { scope } from "./scope.ts";

/** Timers, by their names in the table. */
export const TIMERS: ReadonlySet<string> = new Set(
  ["setTimeout", "setInterval", "setImmediate"].flatMap((name) => [name, `node:timers.${name}`]),
);

/** What ends the process, by its names in the table. */
export const ENDS: ReadonlySet<string> = new Set([
  "Deno.exit",
  "Deno.kill",
  "process.abort",
  "process.exit",
  "process.kill",
  "process.reallyExit",
]);

/**
 * Makes the callback of a timer tell what it throws to the step or the version that set it.
 *
 * @param args What the timer was given.
 * @returns What it is to be given.
 */
export function caughtInTimer(args: unknown[]): unknown[] {
  const owner = scope.getStore();
  const [callback, ...rest] = args;
  const isOurs = owner?.kind === "step" || owner?.kind === "module";
  if (!isOurs || typeof callback !== "function") return args;
  const told = (error: unknown) => {
    if (owner.kind === "step") owner.report(error);
    else if (owner.isOver) lateError(error);
    else owner.noteFailure(error);
  };
  return [function (this: unknown, ...given: unknown[]): unknown {
    try {
      return Reflect.apply(callback, this, given);
    } catch (error) {
      told(error);
    }
  }, ...rest];
}

/**
 * Refuses the end of the process to code that a module of a version has set off: nobody asked for
 * it. A step may end its process; that is its author's affair.
 *
 * @param name What is called.
 * @param args With what.
 * @throws {Error} If such code calls it for this process.
 */
export function refuseEnd(name: string, args: unknown[]): void {
  const owner = scope.getStore();
  if (owner?.kind !== "module") return;
  if (name.endsWith(".kill") && args[0] !== Deno.pid) return;
  if (!owner.isOver && name.endsWith("xit")) return; // whoever imports it has an answer of its own
  const error = new Error(`Cannot call ${name}: a module of a version asks for it, and no step`);
  owner.noteFailure(error);
  throw error;
}
