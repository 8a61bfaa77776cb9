/**
 * `cancel`: requests the cancellation of runs.
 *
 * @module
 */

import { cancelRuns } from "../../operate/act_on_runs.ts";
import { defineCommand } from "../command.ts";
import { OUTCOME_FIELDS, printOutcomes } from "../outcomes.ts";

/** Requests the cancellation of runs. */
export const command = defineCommand({
  examples: [
    {
      text: "Cancel a run, which executes its clean-up",
      line: `cancel o-1 --reason "ordered twice"`,
    },
    { text: "Cancel several", line: "cancel o-1 o-2 o-3" },
  ],
  arguments: [["<id...>", "the runs' ids"]],
  fields: OUTCOME_FIELDS,
  acts: { needsReason: false },
  async run(context) {
    const { args: ids, globals, announce } = context;
    announce(ids.map((id) => `cancel run ${id}`));
    const outcomes = cancelRuns(await context.client(), ids, globals.reason);
    return await printOutcomes(context, outcomes, "cancellation requested");
  },
});
