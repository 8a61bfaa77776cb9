/**
 * The workflow that the comparison with other engines runs: steps, then perhaps a wait. The harness
 * observes each through hooks on `globalThis`, so that the module itself is loaded as
 * any other version is.
 *
 * @module
 */

import { defineWorkflow } from "@continuum/continuum/workflow";

/** What the harness hears. */
export interface Hooks {
  /** Step `k` of run `i` is executed. */
  step(i: number, k: number): void;
  /** Run `i` is about to wait. */
  park(i: number): void;
  /** Run `i` has come to its last line. */
  done(i: number): void;
}

/** What a run does. */
export interface Work {
  /** The run's number. */
  readonly i: number;
  /** How many steps it takes. */
  readonly n: number;
  /** Whether it waits for a signal after them. */
  readonly park: boolean;
}

/** Where the hooks stand on `globalThis`. */
export const HOOKS: unique symbol = Symbol.for("continuum.bench.hooks");

/** The workflow. */
export default defineWorkflow({ name: "bench" }, async (ctx, { i, n, park }: Work) => {
  const hooks = (globalThis as unknown as { [HOOKS]: Hooks })[HOOKS];
  for (let k = 0; k < n; k++) {
    await ctx.run(`s${k}`, () => {
      hooks.step(i, k);
      return { i: k };
    });
  }
  if (park) {
    hooks.park(i);
    await ctx.waitForSignal("go");
  }
  hooks.done(i);
  return { i };
});
