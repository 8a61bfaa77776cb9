import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "offer", version: 1 }, async (ctx, price: number) => {
  const net = await ctx.run("price", () => price);
  await ctx.waitForSignal("accepted");
  return `${net} EUR`;
});
