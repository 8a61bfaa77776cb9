/**
 * `runs delete`: removes ended runs.
 *
 * @module
 */

import { deleteRuns, planRuns } from "../../operate/act_on_runs.ts";
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
    const continuum = await context.client();
    const plan = await planRuns(continuum, ids);
    await consent(planOf("delete", plan, "their histories and idempotency keys are removed, too"));
    return await printOutcomes(context, deleteRuns(continuum, plan), "deleted");
  },
});
