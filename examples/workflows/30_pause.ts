import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "order" }, async (ctx, id: string) => {
  await ctx.run("reserve", () => {});
  const paid = await ctx.waitForSignal<number>("paid");
  return `${id}: ${paid}`;
});
