/**
 * Ids of runs that callers choose.
 *
 * @module
 */

import { InvalidArgumentError } from "../base/errors.ts";
import { isEngineMade, MAX_GIVEN_ID } from "../base/run_ids.ts";
import { isStorable } from "../base/text.ts";
import { describe } from "./options.ts";

/**
 * Reads the id that a run is to have.
 *
 * @param id What was passed.
 * @param what What it is, for errors: `the id of a child`.
 * @returns The id.
 * @throws {InvalidArgumentError} If it is no text of 1 to 255 characters that a database keeps, or
 * ends as the ids do that the engine makes (RUNID-3 of `run_ids.ts`).
 */
export function readGivenId(id: unknown, what: string): string {
  const isText = typeof id === "string";
  if (!isText || id === "" || id.length > MAX_GIVEN_ID || !isStorable(id)) {
    const found = isText && id.length > MAX_GIVEN_ID ? `${id.length} characters` : describe(id);
    throw new InvalidArgumentError(
      `Cannot use ${what}: found ${found}, wanted a text of 1 to ${MAX_GIVEN_ID} characters, ` +
        "without NUL and lone surrogates",
      { what },
    );
  }
  if (!isEngineMade(id)) return id;
  throw new InvalidArgumentError(
    `Cannot use ${what}: found ${describe(id)}, which ends as the ids do that the engine makes ` +
      'for children and schedules, wanted another end, such as "-retry"',
    { what },
  );
}
