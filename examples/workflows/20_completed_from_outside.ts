import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "publish" }, async (ctx, title: string) => {
  const { by } = await ctx.activity<{ by: string }>("ask for approval", title, { timeout: "7d" });
  return `${title}: approved by ${by}`;
});
