import { defineWorkflow } from "@continuum/continuum/workflow";

/** Writes a report; what it is called comes from the schedule that started it. */
export default defineWorkflow({ name: "report" }, async (ctx, format: string) => {
  const pages = await ctx.run("write", () => 3);
  return `${format}, ${pages} pages`;
});
