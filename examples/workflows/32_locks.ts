import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "transfer" }, async (ctx, amount: number) => {
  // Other transfers from this account wait here, in the order in which they come.
  return await ctx.lock("account 7", async () => {
    const balance = await ctx.run("read", () => accounts.seven);
    await ctx.sleep("10ms");
    return await ctx.run("write", () => accounts.seven = balance - amount);
  }, { timeout: "1h" });
});

// The world outside: a balance that two transfers at once would spoil.
const accounts = { seven: 100 };
