import { defineWorkflow, isContinuumError } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "trip" }, async (ctx, city: string) => {
  // One time for all of it. What loses the race, or is late, is withdrawn.
  const offer = await ctx.scope(
    () =>
      Promise.race([
        ctx.activity<string>("ask the airline", city),
        ctx.activity<string>("ask the agency", city),
      ]),
    { timeout: "10m" },
  ).catch((error) => {
    if (!isContinuumError(error, "TIMEOUT")) throw error;
    return "by train";
  });
  // A cancellation that comes meanwhile is thrown after the scope, and not between the two.
  const ticket = await ctx.scope(async () => {
    const paid = await ctx.run("pay", () => `paid ${offer}`);
    return await ctx.run("print the ticket", () => `ticket to ${city}, ${paid}`);
  }, { shielded: true });
  ctx.setStatus(ticket);
  await ctx.waitForSignal("departed");
  return ticket;
});
