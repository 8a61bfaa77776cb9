import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  await import("./lazy.ts"); await import("./gone.ts"); await import("bare"); await import("./broken.ts"); await import(`./lazy_${1}.ts`);
});
