/** A signal and a timer: the first decides what is done. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { note, RETRY } from "./ledger.ts";

interface Input {
  readonly ledger: string;
  readonly ms: number;
}

export default defineWorkflow({ name: "race" }, async (ctx, { ledger, ms }: Input) => {
  const finished = new AbortController();
  const { signal } = finished;
  const winner = await Promise.race([
    ctx.waitForSignal("answer", { signal }).then(() => "answer"),
    ctx.sleep(ms, { signal }).then(() => "time"),
  ]);
  finished.abort();
  const place = `won by ${winner}`;
  await ctx.run(place, (attempt) => note({ ledger, place }, attempt), { retry: RETRY });
  return winner;
});
