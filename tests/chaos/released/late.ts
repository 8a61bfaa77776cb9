/** Waits for longer than it may take, and cleans up. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { note, RETRY } from "./ledger.ts";

interface Input {
  readonly ledger: string;
}

export default defineWorkflow(
  { name: "late", timeout: "1s" },
  async (ctx, { ledger }: Input) => {
    try {
      await ctx.run("begins", (attempt) => note({ ledger, place: "begins" }, attempt), {
        retry: RETRY,
      });
      await ctx.waitForSignal("a signal that is never sent");
    } finally {
      await ctx.run("cleans", (attempt) => note({ ledger, place: "cleans" }, attempt), {
        retry: RETRY,
      });
    }
  },
);
