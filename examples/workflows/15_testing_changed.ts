import { defineWorkflow } from "@continuum/continuum/workflow";

/** A shorter trial: histories of the other do not fit it. */
export default defineWorkflow({ name: "trial" }, async (ctx, customer: string) => {
  const left = await ctx.waitForSignal("cancel", { timeout: "14d", otherwise: null });
  return left === null ? `${customer} pays` : `${customer} left`;
});
