import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "cart" }, async (ctx) => {
  // A handler receives items while the rest of the function continues.
  const items: string[] = [];
  const stop = ctx.on("add", (item: string) => void items.push(item));
  const isFull = await ctx.until(() => items.length >= 3, { timeout: "7d" });
  stop();

  // A wait that has lost its race takes no signal, so this loop loses none.
  let reminders = 0;
  while (
    await Promise.race([
        ctx.waitForSignal("pay").then(() => "paid"),
        ctx.sleep("50ms").then(() => "late"),
      ]) === "late" && reminders < 2
  ) reminders++;

  // The first of several signals, and a loop over signals as they come.
  const { name } = await ctx.waitForSignal(["pickup", "delivery"]);
  const stops: string[] = [];
  for await (const place of ctx.signals<string>("at")) {
    stops.push(place);
    if (place === "home") break;
  }
  return { isFull, items, reminders, name, stops };
});
