import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "hello" }, async (ctx, name: string) => {
  const greeting = await ctx.run("choose a greeting", () => "Hello");
  await ctx.sleep("100ms");
  return `${greeting}, ${name}!`;
});
