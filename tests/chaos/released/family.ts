/** Children, of its own version and of the current one; one of them fails, and one gets letters. */

import { defineWorkflow } from "@continuum/continuum/workflow";
import leaf from "./leaf.ts";

interface Input {
  readonly ledger: string;
  readonly count: number;
}

export default defineWorkflow({ name: "family" }, async (ctx, { ledger, count }: Input) => {
  const numbers = Array.from({ length: count }, (_, at) => at);
  const squares = await Promise.all(numbers.map(async (number) => {
    const input = { ledger, number, fails: number === 1 };
    const squared = number % 2 === 0 ? ctx.child(leaf, input) : ctx.child<number>("leaf", input);
    return await squared.catch((error: Error) => (error.cause as Error).message);
  }));
  const reader = await ctx.startChild<number[]>("letters", { count: 2 });
  await reader.signal("letter", 0);
  await reader.signal("letter", 1);
  return { squares, read: await reader.result() };
});
