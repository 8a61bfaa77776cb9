import { defineActivity, defineWorkflow, isContinuumError } from "@continuum/continuum/workflow";

interface Order {
  id: string;
  amount: number;
}

/** In the workflow's module, or imported by it: pinned with its version. */
const charge = defineActivity(
  { name: "charge", retry: { maxAttempts: 5, initial: "20ms" }, timeout: "5s" },
  (order: Order, { attempt }) => {
    if (attempt < 3) throw new Error(`The bank does not answer attempt ${attempt}`);
    return `${order.amount} EUR at attempt ${attempt}`;
  },
);

export default defineWorkflow({ name: "pay" }, async (ctx, order: Order) => {
  const charged = await ctx.activity(charge, order, { idempotencyKey: `charge:${order.id}` });
  try {
    // By name: whatever the node that executes it has registered, so a fix reaches old runs.
    await ctx.activity("send-receipt", order.id, { queue: "mail", retry: { maxAttempts: 1 } });
  } catch (error) {
    if (!isContinuumError(error, "ACTIVITY_FAILED")) throw error;
    return { charged, receipt: `not sent: ${(error.cause as Error).message}` };
  }
  return { charged, receipt: "sent" };
});
