/** Effects that are compensated, because the code throws or a caller cancels the run. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { act } from "./ledger.ts";

interface Input {
  readonly ledger: string;
  readonly count: number;
  readonly ends: "well" | "throws" | "waits";
}

export default defineWorkflow({ name: "saga" }, async (ctx, { ledger, count, ends }: Input) => {
  try {
    return await ctx.saga(async (saga) => {
      for (let at = 0; at < count; at++) {
        saga.undo(act, { ledger, place: `undo ${at}` });
        await ctx.activity(act, { ledger, place: `do ${at}` });
      }
      if (ends === "throws") throw new Error("as planned");
      if (ends === "waits") await ctx.waitForSignal("a signal that is never sent");
      return "done";
    });
  } catch (error) {
    if (ends === "throws" && (error as Error).message === "as planned") return "undone";
    throw error;
  }
});
