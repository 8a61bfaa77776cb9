/**
 * An order: stock, payment and delivery; whatever fails, what was done before is undone.
 *
 * @module
 */

import { defineWorkflow, WorkflowError } from "@continuum/continuum/workflow";
import { charge, type Order, refund, release, reserve, ship } from "./activities.ts";

/** Takes an order through, or leaves nothing behind. */
export default defineWorkflow({ name: "order_saga" }, async (ctx, order: Order) => {
  return await ctx.saga(async (saga) => {
    saga.undo(release, order);
    await ctx.activity(reserve, order);

    saga.undo(refund, order);
    await ctx.activity(charge, order);

    if (order.amount > 1_000) {
      ctx.setStatus("waits for a review");
      const review = await ctx.waitForSignal<string>("review", {
        timeout: "24h",
        otherwise: "rejected",
      });
      if (review !== "approved") throw new WorkflowError(`Order ${order.id} was ${review}`);
    }
    return await ctx.activity(ship, order);
  });
});
