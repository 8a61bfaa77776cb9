import { defineWorkflow } from "@continuum/continuum/workflow";

/** Publishes what is fresh, and bakes the next when that is sold. */
export default defineWorkflow({ name: "bakery" }, async (ctx, goods: string[]) => {
  let sold = 0;
  ctx.on("buy", () => `a ${goods[sold++]}`);
  for (const [index, good] of goods.entries()) {
    ctx.publish("fresh", good);
    await ctx.until(() => sold > index);
  }
  await ctx.handlersDone();
  return `sold ${sold}`;
});
