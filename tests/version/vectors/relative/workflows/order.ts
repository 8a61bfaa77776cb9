import { defineWorkflow } from "@continuum/continuum/workflow";
import { charge } from "../activities.ts";
import type { Order } from "./types.ts";
export * from "./lib/math.ts";
export type { Money } from "./money.ts";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return charge(order);
});
