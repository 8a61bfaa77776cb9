import { defineWorkflow } from "@continuum/continuum/workflow";

/** Asks for every day in a step: what has happened in parked runs of the other fits it. */
export default defineWorkflow({ name: "rates" }, async (ctx, day: string) => {
  const before = ctx.now();
  const dice = [ctx.random(), ctx.random(), ctx.uuid()];
  await ctx.sleep("50ms");
  ctx.setStatus({ isTold: ctx.now() > before, dice: dice.length });
  return await ctx.run("ask", () => day === "today" ? 1.1 : 1.2);
});
