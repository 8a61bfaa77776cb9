/** Rows that transactions write. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { RETRY } from "./ledger.ts";

interface Input {
  readonly count: number;
}

export default defineWorkflow({ name: "bookings" }, async (ctx, { count }: Input) => {
  const { runId } = ctx;
  const book = (place: string) =>
    ctx.transaction(place, async (tx) => {
      await tx.query("insert into chaos.bookings (run, place) values ($1, $2)", [runId, place]);
    }, { retry: RETRY });
  for (let at = 0; at < count; at++) await book(`book ${at}`);
  await Promise.all(["left", "right"].map(book));
  return count;
});
