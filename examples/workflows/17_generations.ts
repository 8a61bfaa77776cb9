import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "diary" }, async (ctx, day: number) => {
  await ctx.run("write", () => `What happened on day ${day}`);
  return day === 3 ? "The end" : ctx.continueAsNew(day + 1);
});
