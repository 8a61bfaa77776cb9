/** The workflow of `../23_telemetry.ts`. */

import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "order" }, async (ctx, item: string) => {
  const price = await ctx.run("quote", ({ attempt }) => {
    if (attempt === 1) throw new TypeError("The price list is not there yet");
    return item.length;
  }, { retry: { maxAttempts: 2, initial: 1 } });
  await ctx.waitForSignal("paid");
  return await ctx.run("ship", () => `${item} for ${price}`);
});
