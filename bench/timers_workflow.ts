/**
 * The workflow of the timers' workload: it sleeps, and tells how late it was woken by the
 * database's clock.
 *
 * @module
 */

import { defineWorkflow } from "@continuum/continuum/workflow";

/** Where runs leave how late they were, in milliseconds: an array on `globalThis`. */
export const LATENESS: unique symbol = Symbol.for("continuum.bench.lateness");

/** The workflow. */
export default defineWorkflow({ name: "timers" }, async (ctx, ms: number) => {
  const due = ctx.now().getTime() + ms;
  await ctx.sleep(ms);
  (globalThis as unknown as { [LATENESS]: number[] })[LATENESS].push(ctx.now().getTime() - due);
});
