/**
 * `runs delete`: removes ended runs.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { OUTCOME_FIELDS, planOf, printOutcomes } from "../outcomes.ts";

/** Removes ended runs. */
export const command = defineCommand({
  examples: [
    {
      text: "Remove an ended run with its history",
      line: `runs delete o-1 --reason "personal data"`,
    },
    { text: "What would be removed", line: "runs delete o-1 o-2 --reason old --dry-run" },
  ],
  arguments: [["<id...>", "the runs' ids"]],
  fields: OUTCOME_FIELDS,
  acts: { needsReason: true },
  async run(context) {
    const { args: ids, consent } = context;
    const act = (await context.acts()).onRuns("delete", ids);
    const consequence = "their histories and idempotency keys are removed, too";
    await consent(planOf("delete", await act.plan(), consequence));
    return await printOutcomes(context, act.carryOut(), "deleted");
  },
});
