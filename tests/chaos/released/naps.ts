/** Sleeps, and says when each sleep began and ended. */

import { defineWorkflow } from "@continuum/continuum/workflow";

interface Input {
  readonly count: number;
  readonly ms: number;
}

export default defineWorkflow({ name: "naps" }, async (ctx, { count, ms }: Input) => {
  const naps: [number, number][] = [];
  for (let at = 0; at < count; at++) {
    const began = ctx.now().getTime();
    await ctx.sleep(ms);
    naps.push([began, ctx.now().getTime()]);
  }
  return naps;
});
