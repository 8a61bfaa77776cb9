/**
 * `pause`: pauses runs.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { OUTCOME_FIELDS, printOutcomes } from "../outcomes.ts";

/** Pauses runs. */
export const command = defineCommand({
  examples: [
    { text: "Let nothing of a run happen", line: `pause o-1 --reason "the bank is down"` },
    { text: "Several runs", line: "pause o-1 o-2" },
  ],
  arguments: [["<id...>", "the runs' ids"]],
  fields: OUTCOME_FIELDS,
  acts: { needsReason: false },
  async run(context) {
    const { args: ids, announce } = context;
    announce(ids.map((id) => `pause run ${id}`));
    const act = (await context.acts()).onRuns("pause", ids);
    return await printOutcomes(context, act.carryOut(), "paused");
  },
});
