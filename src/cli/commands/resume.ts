/**
 * `resume`: lets paused runs continue.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { OUTCOME_FIELDS, printOutcomes } from "../outcomes.ts";

/** Lets paused runs continue. */
export const command = defineCommand({
  examples: [
    { text: "Let a run continue where it was", line: "resume o-1" },
    { text: "Several runs", line: "resume o-1 o-2" },
  ],
  arguments: [["<id...>", "the runs' ids"]],
  fields: OUTCOME_FIELDS,
  acts: { needsReason: false },
  async run(context) {
    const { args: ids, announce } = context;
    announce(ids.map((id) => `resume run ${id}`));
    const act = (await context.acts()).onRuns("resume", ids);
    return await printOutcomes(context, act.carryOut(), "resumed");
  },
});
