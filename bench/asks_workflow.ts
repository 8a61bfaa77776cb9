/**
 * A counter that is asked to add, and counts on.
 *
 * @module
 */

import { defineWorkflow } from "../src/workflow/mod.ts";

export default defineWorkflow({ name: "asks" }, async (ctx) => {
  let sum = 0;
  ctx.on("add", (n: number) => sum += n);
  await ctx.waitForSignal("end");
  return sum;
});
