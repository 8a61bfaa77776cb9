import { defineWorkflow } from "@continuum/continuum/workflow";
import { total } from "./prices.ts";

/** An order, in the shop's first release: the whole amount is charged after a review. */
export default defineWorkflow(
  { name: "order", version: "1.0.0" },
  async (ctx, order: { items: number }) => {
    const amount = await ctx.run("quote", () => total(order.items));
    const review = await ctx.waitForSignal<string>("review");
    if (review !== "approved") return "rejected";
    return await ctx.run("charge", () => `charged ${amount} EUR at once`);
  },
);
