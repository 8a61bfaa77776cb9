import { defineWorkflow } from "@continuum/continuum/workflow";
import bakery from "./34_bakery.ts";

/** Waits until there is something, buys all, and hears that the shop has closed. */
export default defineWorkflow({ name: "customer" }, async (ctx, shopId: string) => {
  const shop = ctx.handle(bakery, shopId);
  const first = await shop.published<string>("fresh");
  const bought = [await shop.ask<string>("buy"), await shop.ask<string>("buy")];
  return { first, bought, end: await shop.result() };
});
