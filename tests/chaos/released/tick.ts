/** What a schedule fires. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { RETRY } from "./ledger.ts";

export default defineWorkflow({ name: "tick" }, async (ctx) => {
  const { runId } = ctx;
  await ctx.transaction("tick", async (tx) => {
    await tx.query("insert into chaos.bookings (run, place) values ($1, 'tick')", [runId]);
  }, { retry: RETRY });
});
