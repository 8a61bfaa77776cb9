import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "rates" }, async (ctx, day: string) => {
  // Time and randomness are the run's own, in libraries too: the same on every replay.
  const before = new Date();
  const dice = [Math.random(), ctx.random(), crypto.randomUUID()].map(String);
  await ctx.sleep("50ms");
  const isTold = new Date().getTime() - before.getTime() >= 50 && ctx.now() > before;
  ctx.setStatus({ isTold, dice: dice.length });

  if (day === "today") return await ctx.run("ask", () => 1.1); // I/O belongs into a step
  const response = await fetch(`https://rates.example/${day}`); // refused: a replay can't repeat it
  return Number(await response.text());
});
