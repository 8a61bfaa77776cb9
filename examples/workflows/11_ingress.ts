import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "invoice" }, async (ctx, customer: string) => {
  const lines: string[] = [];
  for (let line = 0; line < 2; line++) {
    lines.push(
      await ctx.waitForSignal<string>("line", { timeout: "1s", otherwise: "nothing" }),
    );
  }
  return `${customer}: ${lines.join(" and ")}`;
});
