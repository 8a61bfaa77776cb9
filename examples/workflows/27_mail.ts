import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";

/** In production: a request to a provider, with the idempotency key as that of the mail. */
export const send = defineActivity(
  { name: "send mail", queue: "mail", retry: { initial: "1s", maxAttempts: 10 } },
  (to: string, { idempotencyKey }) => `to ${to}: ${idempotencyKey.length > 0}`,
);

export default defineWorkflow({ name: "newsletter" }, async (ctx, readers: readonly string[]) => {
  const sent = await Promise.allSettled(readers.map((to) => ctx.activity(send, to)));
  return sent.filter(({ status }) => status === "fulfilled").length;
});
