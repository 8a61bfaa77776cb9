/** A child: squares a number, or fails. */

import { defineWorkflow, NonRetryableError } from "@continuum/continuum/workflow";
import { note, RETRY } from "./ledger.ts";

interface Input {
  readonly ledger: string;
  readonly number: number;
  readonly fails: boolean;
}

export default defineWorkflow(
  { name: "leaf" },
  async (ctx, { ledger, number, fails }: Input) => {
    await ctx.sleep(50);
    await ctx.run("leaf", (attempt) => note({ ledger, place: "leaf" }, attempt), { retry: RETRY });
    if (fails) throw new NonRetryableError(`Leaf ${number} falls`);
    return number * number;
  },
);
