/**
 * A workflow that asks the database for everything that is asked often.
 *
 * @module
 */

import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";

/** An activity that is executed wherever its queue is served. */
export const act = defineActivity({ name: "act" }, (n: number) => n);

/** An ask, a step, activities through two queues, a child, a timer and a signal. */
export default defineWorkflow({ name: "everything" }, async (ctx, n: number) => {
  const stop = ctx.on("asked", () => n);
  await ctx.run("step", () => n);
  await ctx.activity(act, n);
  await ctx.activity(act, n, { queue: "rated" });
  await ctx.child("bench", { i: 0, n: 1, park: false });
  await ctx.sleep("10ms");
  await ctx.waitForSignal("go");
  stop();
  return n;
});
