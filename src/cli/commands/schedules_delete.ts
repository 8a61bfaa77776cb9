/**
 * `schedules delete`.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { printSchedule, SCHEDULE_ACTION_FIELDS, SCHEDULE_ARGUMENT } from "../schedule_action.ts";

/** Removes a schedule. */
export const command = defineCommand({
  examples: [{
    text: "Remove a schedule; its runs stay",
    line: `schedules delete nightly --reason "replaced by hourly"`,
  }],
  arguments: [SCHEDULE_ARGUMENT],
  fields: SCHEDULE_ACTION_FIELDS,
  acts: { needsReason: true },
  async run(context) {
    const { args: [id], consent } = context;
    const act = (await context.acts()).onSchedule("delete", id!);
    const plan = await act.plan();
    await consent({
      lines: [
        `delete schedule ${plan.id}: ${plan.workflow}, ${plan.state}`,
        "it fires no more; the runs that it started stay and continue",
      ],
      answer: plan.id,
      what: "the schedule's id",
    });
    printSchedule(context, await act.carryOut());
  },
});
