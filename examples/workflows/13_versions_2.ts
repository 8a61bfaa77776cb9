import { defineWorkflow } from "@continuum/continuum/workflow";

/** Fits the histories of version 1: what is new comes after what they have seen, or is patched. */
export default defineWorkflow({ name: "offer", version: 2 }, async (ctx, price: number) => {
  const net = await ctx.run("price", () => price);
  const discount = ctx.patched("discount") ? await ctx.run("discount", () => 10) : 0;
  await ctx.waitForSignal("accepted");
  const tax = await ctx.run("tax", () => 20);
  return `${net - discount} EUR and ${tax} % tax`;
});
