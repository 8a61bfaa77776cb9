import { defineWorkflow } from "@continuum/continuum/workflow";

interface Wish {
  seat: string;
  guest: string;
}

export default defineWorkflow({ name: "booking" }, async (ctx, { seat, guest }: Wish) => {
  // The row and the event that says so commit together, or not at all.
  const booked = await ctx.transaction("book", async (tx) => {
    const rows = await tx.query(
      "insert into example_seats.booked values ($1, $2) on conflict do nothing returning seat",
      [seat, guest],
    );
    return rows.length === 1;
  });
  return booked ? `${guest} has ${seat}` : `${seat} is taken`;
});
