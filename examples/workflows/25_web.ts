import { defineWorkflow } from "@continuum/continuum/workflow";

interface Payment {
  amount: number;
}

export default defineWorkflow({ name: "web order" }, async (ctx, order: { sku: string }) => {
  const { amount } = await ctx.waitForSignal<Payment>("paid", { timeout: "7d" });
  return { sku: order.sku, paid: amount };
});
