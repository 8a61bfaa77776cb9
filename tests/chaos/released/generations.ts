/** Continues as new after each letter. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { RETRY } from "./ledger.ts";

interface Input {
  readonly count: number;
  readonly seen?: readonly number[];
}

export default defineWorkflow(
  { name: "generations" },
  async (ctx, { count, seen = [] }: Input): Promise<readonly number[]> => {
    const { runId } = ctx;
    const place = `generation ${seen.length}`;
    await ctx.transaction(place, async (tx) => {
      await tx.query("insert into chaos.bookings (run, place) values ($1, $2)", [runId, place]);
    }, { retry: RETRY });
    const now = [...seen, await ctx.waitForSignal<number>("letter")];
    return now.length < count ? ctx.continueAsNew({ count, seen: now }) : now;
  },
);
