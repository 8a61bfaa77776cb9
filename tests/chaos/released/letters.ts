/** Receives signals in their order. */

import { defineWorkflow } from "@continuum/continuum/workflow";

interface Input {
  readonly count: number;
}

export default defineWorkflow({ name: "letters" }, async (ctx, { count }: Input) => {
  const seen: number[] = [];
  while (seen.length < count) seen.push(await ctx.waitForSignal<number>("letter"));
  return seen;
});
