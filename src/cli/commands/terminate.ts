/**
 * `terminate`: ends runs at once.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { OUTCOME_FIELDS, planOf, printOutcomes } from "../outcomes.ts";

/** Ends runs at once. */
export const command = defineCommand({
  examples: [
    { text: "End a run without clean-up", line: `terminate o-1 --reason "loops"` },
    { text: "What would be ended", line: "terminate o-1 o-2 --reason loops --dry-run" },
  ],
  arguments: [["<id...>", "the runs' ids"]],
  fields: OUTCOME_FIELDS,
  acts: { needsReason: true },
  async run(context) {
    const { args: ids, consent } = context;
    const act = (await context.acts()).onRuns("terminate", ids);
    const consequence = "their code does not run any more: no clean-up, no compensation";
    await consent(planOf("terminate", await act.plan(), consequence));
    return await printOutcomes(context, act.carryOut(), "terminated");
  },
});
