/**
 * The workflow of the preflight's measurements.
 *
 * @module
 */

import { defineWorkflow, type WorkflowContext } from "@continuum/continuum/workflow";

/** A hundred steps, and a wait. */
export async function body(ctx: WorkflowContext, steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    await ctx.run("step", () => ({ done: i, note: "a small result" }));
  }
  await ctx.waitForSignal("go");
}

export default defineWorkflow({ name: "preflight" }, body);
