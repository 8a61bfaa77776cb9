/** Throws until its third attempt. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { RETRY } from "./ledger.ts";

export default defineWorkflow(
  { name: "again", retry: { maxAttempts: 5, initial: 50, max: 200 } },
  async (ctx) => {
    const { runId, attempt } = ctx;
    const place = `attempt ${attempt}`;
    await ctx.transaction(place, async (tx) => {
      await tx.query("insert into chaos.bookings (run, place) values ($1, $2)", [runId, place]);
    }, { retry: RETRY });
    if (attempt < 3) throw new Error(`Attempt ${attempt} throws`);
    return attempt;
  },
);
