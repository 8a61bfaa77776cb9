import { defineWorkflow } from "@continuum/continuum/workflow";

/** Fits no history of the others: its first step has another name. */
export default defineWorkflow({ name: "offer", version: 3 }, async (ctx, price: number) => {
  const net = await ctx.run("price in dollars", () => price * 2);
  await ctx.waitForSignal("accepted");
  return `${net} USD`;
});
