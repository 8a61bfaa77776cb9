/**
 * `runs retry`: releases parked runs.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { OUTCOME_FIELDS, printOutcomes } from "../outcomes.ts";

/** Releases parked runs. */
export const command = defineCommand({
  examples: [
    { text: "Let nodes execute a parked run again, unchanged", line: "runs retry o-1" },
    { text: "Several runs", line: "runs retry o-1 o-2" },
  ],
  arguments: [["<id...>", "the runs' ids"]],
  fields: OUTCOME_FIELDS,
  acts: { needsReason: false },
  async run(context) {
    const { args: ids, announce } = context;
    announce(ids.map((id) => `retry run ${id}`));
    const act = (await context.acts()).onRuns("retry", ids);
    return await printOutcomes(context, act.carryOut(), "retried");
  },
});
