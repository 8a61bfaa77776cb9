import { defineWorkflow } from "@continuum/continuum/workflow";
import "one";
import "lib/two.ts";
import "./vendor/old.ts";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return 1;
});
