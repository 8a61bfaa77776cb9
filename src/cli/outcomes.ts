/**
 * What the commands share that end or remove runs: the plan, and what became of each run.
 *
 * @module
 */

import type { PlannedRun, RunOutcome } from "../operate/act_on_runs.ts";
import type { CommandContext } from "./command.ts";
import type { Plan } from "./consent.ts";
import { EXIT, exitOf } from "./exit_codes.ts";

/** The names that `--fields` accepts for outcomes. */
export const OUTCOME_FIELDS: readonly string[] = ["id", "done", "error"];

/**
 * A plan for runs: a line for each, and the id, or their number, as what has to be typed.
 *
 * @param verb What is done to a run, such as `terminate`.
 * @param runs The runs.
 * @param consequence What else has to be known, as the last line.
 */
export function planOf(verb: string, runs: readonly PlannedRun[], consequence: string): Plan {
  const [first] = runs;
  return {
    lines: [
      ...runs.map(({ id, workflow, version, state }) =>
        `${verb} ${id}: ${workflow} ${version.slice(0, 7)}, ${state}`
      ),
      consequence,
    ],
    answer: runs.length === 1 ? first!.id : String(runs.length),
    what: runs.length === 1 ? "the run's id" : "the number of runs",
  };
}

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
