import { defineWorkflow, WorkflowError } from "@continuum/continuum/workflow";

/** A start may say otherwise; what a run starts with is kept with it. */
export default defineWorkflow(
  { name: "harvest", retry: { maxAttempts: 3, initial: "50ms", nonRetryable: ["WORKFLOW_ERROR"] } },
  async (ctx, crop: string) => {
    const machine = await ctx.run("rent", () => "a machine");
    if (crop === "stones") throw new WorkflowError("Stones can't be harvested");
    try {
      if (crop === "rice") await ctx.waitForSignal("the field is dry");
      if (ctx.attempt < 3) throw new Error(`Rain at attempt ${ctx.attempt}`);
      return `${crop}: harvested with ${machine} at attempt ${ctx.attempt}`;
    } finally {
      await ctx.run("return", () => machine); // of every attempt, and when time is up
    }
  },
);
