/**
 * `terminate`: ends runs at once.
 *
 * @module
 */

import { planRuns, terminateRuns } from "../../operate/act_on_runs.ts";
import { defineCommand } from "../command.ts";
import { OUTCOME_FIELDS, printOutcomes } from "../outcomes.ts";

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
    const [first] = plan;
    await consent({
      lines: [
        ...plan.map(({ id, workflow, version, state }) =>
          `terminate ${id}: ${workflow} ${version.slice(0, 7)}, ${state}`
        ),
        "their code does not run any more: no clean-up, no compensation",
      ],
      answer: plan.length === 1 ? first!.id : String(plan.length),
      what: plan.length === 1 ? "the run's id" : "the number of runs",
    });
    const outcomes = terminateRuns(continuum, plan, globals.reason!);
    return await printOutcomes(context, outcomes, "terminated");
  },
});
