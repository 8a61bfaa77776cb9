import { defineWorkflow } from "@continuum/continuum/workflow";
import { instalment } from "./prices.ts";

/** The second release: other steps, other prices. No run of the first could continue in it. */
export default defineWorkflow(
  { name: "order", version: "2.0.0" },
  async (ctx, order: { items: number }) => {
    const part = await ctx.run("first instalment", () => instalment(order.items));
    const review = await ctx.waitForSignal<string>("review");
    if (review !== "approved") return "rejected";
    return await ctx.run("plan", () => `charged 3 instalments of ${part} EUR`);
  },
);
