import { defineWorkflow } from "@continuum/continuum/workflow";
import A from "./a.tsx";
import B from "./b.tsx";
import C from "./c.tsx";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return [A, B, C];
});
