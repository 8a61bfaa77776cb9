/**
 * `cancel`: requests the cancellation of runs.
 *
 * @module
 */

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
    const { args: ids, announce } = context;
    announce(ids.map((id) => `cancel run ${id}`));
    const act = (await context.acts()).onRuns("cancel", ids);
    return await printOutcomes(context, act.carryOut(), "cancellation requested");
  },
});
