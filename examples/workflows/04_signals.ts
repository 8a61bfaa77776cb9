import { defineWorkflow, type StandardSchema } from "@continuum/continuum/workflow";

/** Any schema of Zod, Valibot, ArkType and the like will do; this one is made by hand. */
const Approval: StandardSchema<unknown, { by: string; yes: boolean }> = {
  "~standard": {
    version: 1,
    vendor: "example",
    validate: (value) =>
      typeof value === "object" && value !== null && "by" in value && "yes" in value
        ? { value: { by: String(value.by), yes: value.yes === true } }
        : { issues: [{ message: "wanted { by, yes }" }] },
  },
};

export default defineWorkflow(
  { name: "approval", signals: { approval: Approval, withdrawn: Approval } },
  async (ctx, title: string) => {
    const votes: string[] = [];
    while (votes.length < 2) {
      const { by, yes } = await ctx.waitForSignal("approval");
      if (!yes) return `${title}: rejected by ${by}`;
      votes.push(by);
    }
    const objection = await ctx.waitForSignal("withdrawn", { timeout: "50ms", otherwise: null });
    return `${title}: approved by ${votes.join(" and ")}${objection === null ? "" : ", withdrawn"}`;
  },
);
