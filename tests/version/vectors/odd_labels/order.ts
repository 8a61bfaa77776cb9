import { defineWorkflow } from "@continuum/continuum/workflow";
import "./a b.ts";
import "./c%25d.ts";
import "./größe.ts";
import "./q.ts?v=1";
import "./q.ts?v=2#part";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return 1;
});
