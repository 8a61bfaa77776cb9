import { defineWorkflow } from "@continuum/continuum/workflow";
import "own";
import "util";
import "@acme/money";
import "@acme/money/round";
import "jsr:@acme/money@^1.0.0/round";
import "plain";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return 1;
});
