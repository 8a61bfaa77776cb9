/**
 * The workflow of the trace's measurements.
 *
 * @module
 */

import { defineWorkflow } from "@continuum/continuum/workflow";

/** The workflow: so many steps. */
export default defineWorkflow({ name: "traced" }, async (ctx, steps: number) => {
  for (let step = 0; step < steps; step++) await ctx.run(`step ${step}`, () => ({ step }));
});
