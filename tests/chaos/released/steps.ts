/** Steps one after the other; newer releases have one more in each round. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { note, RETRY } from "./ledger.ts";
import { RELEASE } from "./release.ts";

interface Input {
  readonly ledger: string;
  readonly count: number;
  readonly pauseMs: number;
}

export default defineWorkflow(
  { name: "steps" },
  async (ctx, { ledger, count, pauseMs }: Input) => {
    const step = (place: string) =>
      ctx.run(place, (attempt) => note({ ledger, place }, attempt), { retry: RETRY });
    const places: string[] = [];
    for (let at = 0; at < count; at++) {
      await step(`step ${at}`);
      places.push(`step ${at}`);
      for (let release = 2; release <= RELEASE; release++) {
        if (!ctx.patched(`release ${release}`)) continue;
        await step(`audit ${release}.${at}`);
        places.push(`audit ${release}.${at}`);
      }
      if (pauseMs > 0) await ctx.sleep(pauseMs);
    }
    return places;
  },
);
