import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";

export const charge = defineActivity(
  { name: "charge", retry: { maxAttempts: 3, initial: "1m", jitter: 0 } },
  (_customer: string): string => {
    throw new Error("No test may charge anybody");
  },
);

export default defineWorkflow({ name: "trial" }, async (ctx, customer: string) => {
  const left = await ctx.waitForSignal("cancel", { timeout: "30d", otherwise: null });
  if (left !== null) return `${customer} left during the trial`;
  return `${customer} pays from ${ctx.today()}: ${await ctx.activity(charge, customer)}`;
});
