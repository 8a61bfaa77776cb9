/**
 * What the commands that act on a schedule have in common.
 *
 * @module
 */

import type { ActedSchedule } from "../operate/act_on_schedules.ts";
import type { ScheduleDeed } from "../operate/acts/acts.ts";
import { type Command, type CommandContext, defineCommand, type Example } from "./command.ts";

/** The names that `--fields` accepts. */
export const SCHEDULE_ACTION_FIELDS: readonly string[] = ["id", "workflow", "state", "next", "run"];

/** The argument of these commands. */
export const SCHEDULE_ARGUMENT = ["<id>", "the schedule's id"] as const;

/**
 * Defines a command that acts on a schedule without a question.
 *
 * @param verb What it does, for the plan: `pause`.
 * @param examples Its examples.
 * @returns The command.
 */
export function scheduleAction(
  verb: ScheduleDeed,
  examples: readonly [Example, ...Example[]],
): Command {
  return defineCommand({
    examples,
    arguments: [SCHEDULE_ARGUMENT],
    fields: SCHEDULE_ACTION_FIELDS,
    acts: { needsReason: false },
    async run(context) {
      const { args: [id], announce, acts } = context;
      announce([`${verb} schedule ${id}`]);
      printSchedule(context, await (await acts()).onSchedule(verb, id!).carryOut());
    },
  });
}

/**
 * Prints a schedule after it was acted upon.
 *
 * @param context The command.
 * @param acted The schedule.
 */
export function printSchedule({ out }: Pick<CommandContext, "out">, acted: ActedSchedule): void {
  const { id, state, next, run } = acted;
  const then = next === null ? "" : `; next ${out.time(next)}`;
  out.document(acted, () => run === null ? [`${id} is ${state}${then}`] : [run]);
}
