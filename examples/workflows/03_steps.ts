import { defineWorkflow } from "@continuum/continuum/workflow";

export interface Transfer {
  from: string;
  to: string;
  amount: number;
}

export default defineWorkflow({ name: "transfer" }, async (ctx, transfer: Transfer) => {
  // A step may run again if its process dies before its result is written.
  const fee = await ctx.run("quote the fee", () => Math.ceil(transfer.amount / 100));

  // A transaction happens exactly once: its writes and its result are committed together.
  const left = await ctx.transaction("book", async (tx) => {
    await tx.query("update accounts set balance = balance + $2 where name = $1", [
      transfer.to,
      transfer.amount,
    ]);
    const [account] = await tx.query<{ balance: number }>(
      "update accounts set balance = balance - $2 where name = $1 returning balance",
      [transfer.from, transfer.amount + fee],
    );
    if (account === undefined || account.balance < 0) throw new Error("Not enough money");
    return account.balance;
  }, { retry: { maxAttempts: 1 } });
  return { fee, left };
});
