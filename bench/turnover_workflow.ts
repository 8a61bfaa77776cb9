/**
 * The workflow of the turn-over's workload: it takes a step, and waits for a signal.
 *
 * @module
 */

import { defineWorkflow } from "@continuum/continuum/workflow";

/** The workflow. */
export default defineWorkflow({ name: "turnover" }, async (ctx) => {
  await ctx.run("step", () => 1);
  await ctx.waitForSignal("go");
});
