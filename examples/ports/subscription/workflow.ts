/**
 * A subscription that lives for years: a period, a charge, and again, until it is cancelled.
 *
 * @module
 */

import {
  defineActivity,
  defineWorkflow,
  type WorkflowContext,
} from "@continuum/continuum/workflow";

/** A subscription, between two periods. */
export interface Subscription {
  /** Who pays. */
  readonly customer: string;
  /** What a period costs, in EUR. */
  readonly price: number;
  /** How many periods were paid. */
  readonly periods: number;
  /** What they cost, in EUR. */
  readonly total: number;
}

const charge = defineActivity(
  { name: "charge_period", timeout: "30s" },
  ({ customer, price }: Subscription) => `${customer} paid ${price} EUR`,
);

/** One generation is one period: the history never grows. */
export default defineWorkflow(
  { name: "subscription", version: 1 },
  async (ctx, subscription: Subscription) => {
    const { customer, periods, total } = subscription;
    ctx.attributes.set({ customer, periods });
    const price = await nextPrice(ctx, subscription.price);
    if (price === "cancelled") return `${customer} paid ${total} EUR for ${periods} periods`;
    await ctx.activity(charge, { ...subscription, price });
    return ctx.continueAsNew({ customer, price, periods: periods + 1, total: total + price });
  },
);

/** Lets a period pass; meanwhile the price may change, or the customer may go. */
async function nextPrice(ctx: WorkflowContext, price: number): Promise<number | "cancelled"> {
  const over = new AbortController();
  const { signal } = over;
  const end = ctx.sleep("30d", { signal }).then(() => "over" as const);
  const cancelled = ctx.waitForSignal("cancel", { signal }).then(() => "cancelled" as const);
  try {
    while (true) {
      const changed = ctx.waitForSignal<number>("price", { signal });
      const first = await Promise.race([cancelled, changed, end]);
      if (first === "cancelled") return first;
      if (first === "over") return price;
      price = first;
    }
  } finally {
    over.abort(); // what has not come by now is kept for the next generation
  }
}
