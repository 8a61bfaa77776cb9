import { defineWorkflow } from "@continuum/continuum/workflow";

interface Claim {
  customer: string;
  amount: number;
}

export default defineWorkflow({ name: "claim" }, async (ctx, claim: Claim) => {
  ctx.attributes.set({ customer: claim.customer, amount: claim.amount, stage: "review" });
  ctx.setStatus({ text: "An expert looks at it", percent: 20 });
  const verdict = await ctx.waitForSignal<string>("verdict", { timeout: "30d" });
  ctx.attributes.set({ stage: verdict });
  return verdict;
});
