/**
 * A workflow of activities in sequence, for `throughput.ts`.
 *
 * @module
 */

import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";

/** Does nothing for long. */
export const act = defineActivity({ name: "act" }, (k: number) => ({ k }));

/** Calls it so many times. */
export default defineWorkflow({ name: "activities" }, async (ctx, n: number) => {
  for (let k = 0; k < n; k++) await ctx.activity(act, k);
  return n;
});
