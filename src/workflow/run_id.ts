/**
 * Checks ids of runs that callers choose.
 *
 * @module
 */

import { checkText, refuse } from "../base/arguments.ts";
import { isEngineMade, MAX_GIVEN_ID } from "../base/run_ids.ts";

/**
 * Checks the id of a run.
 *
 * @param id What was passed.
 * @param what What it is, for errors: `the id of a child`.
 * @param longest How many characters it may have.
 * @returns The id.
 * @throws {InvalidArgumentError} If it is not a text of 1 to so many characters that a database can
 * store, or ends like the ids that the engine makes (RUNID-3 of `run_ids.ts`).
 */
export function readGivenId(id: unknown, what: string, longest: number = MAX_GIVEN_ID): string {
  const text = checkText(id, what, longest);
  if (!isEngineMade(text)) return text;
  return refuse(
    what,
    text,
    'another end, such as "-retry": the engine gives ids that end so to children and to the runs ' +
      "of schedules",
  );
}
