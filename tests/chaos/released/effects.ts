/** Activities of all kinds, some at the same time. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { act, once, post, shared } from "./ledger.ts";

interface Input {
  readonly ledger: string;
  readonly count: number;
  readonly topic: string;
}

export default defineWorkflow(
  { name: "effects" },
  async (ctx, { ledger, count, topic }: Input) => {
    const numbers = Array.from({ length: count }, (_, at) => at);
    await Promise.all(numbers.map((at) => ctx.activity(act, { ledger, place: `act ${at}` })));
    for (const at of numbers) {
      await ctx.activity(post, { ledger, place: `post ${at}` }, { priority: at });
    }
    const ended = await ctx.activity(once, { ledger, place: "once" })
      .then(() => "done", () => "failed");
    const token = await ctx.activity(shared, { ledger, place: topic });
    return { once: ended, token };
  },
);
