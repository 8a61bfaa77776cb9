import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";

const book = defineActivity(
  { name: "book", retry: { maxAttempts: 1 } },
  (what: string) => {
    if (what === "car") throw new Error("No car is left");
    return `${what} booked`;
  },
);
const cancel = defineActivity({ name: "cancel" }, (what: string) => `${what} cancelled`);

export default defineWorkflow({ name: "trip" }, async (ctx, wishes: string[]) => {
  return await ctx.saga(async (saga) => {
    const booked: string[] = [];
    for (const wish of wishes) {
      saga.undo(cancel, wish); // before the step: it may have happened although it failed
      booked.push(await ctx.activity(book, wish));
    }
    await ctx.waitForSignal("paid", { timeout: "7d", otherwise: null });
    return booked;
  });
});
