import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  await ctx.sleep("1s");
});
