import { defineWorkflow } from "@continuum/continuum/workflow";

interface Counter {
  total: number;
  generation: number;
}

export default defineWorkflow({ name: "counter" }, async (ctx, counter: Counter) => {
  let { total } = counter;
  for (let seen = 0; seen < 3; seen++) {
    const add = await ctx.waitForSignal<number | null>("add");
    if (add === null) return `${total} after ${counter.generation} generations`;
    total += add;
  }
  // Same run, same id, new history: it never grows long. Signals that wait are not lost.
  return ctx.continueAsNew({ total, generation: counter.generation + 1 });
});
