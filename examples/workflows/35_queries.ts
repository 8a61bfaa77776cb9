import { defineWorkflow } from "@continuum/continuum/workflow";

/** Votes, and who is ahead: the run keeps them in variables of its own. */
export default defineWorkflow({ name: "vote" }, async (ctx, options: string[]) => {
  const votes = new Map(options.map((option) => [option, 0]));
  ctx.on("vote", (option: string) => votes.set(option, (votes.get(option) ?? 0) + 1));
  ctx.onQuery("votes", (option: string) => votes.get(option) ?? 0);
  ctx.onQuery("first", () => [...votes].sort(([, a], [, b]) => b - a)[0]?.[0]);
  await ctx.waitForSignal("close");
  await ctx.handlersDone();
  return Object.fromEntries(votes);
});
