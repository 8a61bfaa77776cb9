/**
 * Waits for an approval whose payload has a schema, and says meanwhile what it is doing.
 *
 * @module
 */

import { defineWorkflow, type StandardSchema } from "@continuum/continuum/workflow";

/** Any library that implements Standard Schema will do; this is one by hand. */
const decision: StandardSchema<{ by: string }, { by: string; at: number }> = {
  "~standard": {
    version: 1,
    vendor: "by hand",
    validate: (value) =>
      typeof (value as { by?: unknown })?.by === "string"
        ? { value: { by: (value as { by: string }).by.trim(), at: 1 } }
        : { issues: [{ message: "Expected a name", path: ["by"] }] },
  },
};

/** Approves an amount. */
export default defineWorkflow(
  { name: "approval", signals: { approve: decision } },
  async (ctx, amount: number) => {
    ctx.attributes.set({ amount, phase: "waiting" });
    ctx.setStatus(`${amount} EUR wait for somebody`);
    const { by } = await ctx.waitForSignal<{ by: string }>("approve", {
      timeout: "7d",
      otherwise: { by: "nobody" },
    });
    ctx.attributes.set({ phase: "decided" });
    return `${amount} EUR approved by ${by}`;
  },
);
