/**
 * Prints what became of runs that a command acted upon.
 *
 * @module
 */

import type { RunOutcome } from "../operate/act_on_runs.ts";
import type { CommandContext } from "./command.ts";
import { EXIT, exitOf } from "./exit_codes.ts";

/** The names that `--fields` accepts for outcomes. */
export const OUTCOME_FIELDS: readonly string[] = ["id", "done", "error"];

/**
 * Prints outcomes as they come.
 *
 * @param context The command.
 * @param outcomes What became of each run.
 * @param done What was done to a run, such as `terminated`.
 * @returns The exit code: 0, or that of the first run that was not acted upon.
 */
export async function printOutcomes(
  { out }: Pick<CommandContext, "out">,
  outcomes: AsyncIterable<RunOutcome>,
  done: string,
): Promise<number> {
  let exit: number = EXIT.done;
  const noted = async function* () {
    for await (const outcome of outcomes) {
      if (outcome.error !== null && exit === EXIT.done) exit = exitOf(outcome.error.code);
      yield outcome;
    }
  };
  await out.list({
    name: "runs",
    items: noted(),
    columns: [
      { title: "ID", id: true, cell: ({ id }) => id },
      { title: "OUTCOME", cell: ({ error }) => error === null ? done : error.message },
    ],
  });
  return exit;
}
