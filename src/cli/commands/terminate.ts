/**
 * `terminate`: ends runs at once.
 *
 * @module
 */

import { planRuns, terminateRuns } from "../../operate/act_on_runs.ts";
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
    const { args: ids, globals, consent } = context;
    const continuum = await context.client();
    const plan = await planRuns(continuum, ids);
    await consent(
      planOf("terminate", plan, "their code does not run any more: no clean-up, no compensation"),
    );
    const outcomes = terminateRuns(continuum, plan, globals.reason!);
    return await printOutcomes(context, outcomes, "terminated");
  },
});
