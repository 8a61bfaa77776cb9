import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "scan" }, async (ctx, document: string) => {
  try {
    return await ctx.run("scan", () => document.repeat(100));
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return `${document}: ${error.code}`; // journaled, and not tried again: it would be as large
  }
});
