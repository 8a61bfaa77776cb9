/**
 * `/api/...`: what commands of the command line read with `--server`.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { messageOf } from "../base/text.ts";
import { readingPath } from "../operate/readings/api.ts";
import { argsOf, type Reading, type ReadingName, READINGS } from "../operate/readings/readings.ts";
import type { Parameter } from "./parameters.ts";
import type { DataRoute, Look } from "./route.ts";

/** How long the database may look for a list. */
const TIMEOUT = "2s";

/** The arguments of a reading, as JSON; {@linkcode argsOf} converts them. */
const ARGS: Parameter<unknown> = {
  name: "args",
  many: false,
  read(text, what) {
    try {
      return JSON.parse(text);
    } catch (error) {
      return refuse(what, inWords(messageOf(error)), "JSON");
    }
  },
};

/** One route for each reading. */
export const READING_ROUTES: readonly DataRoute[] = (Object.keys(READINGS) as ReadingName[])
  .map((name) => {
    // What `argsOf` converts is what the reading of the same name takes.
    const reading = READINGS[name] as unknown as Reading<object, unknown>;
    const { rights, everywhere } = reading;
    return {
      kind: "data",
      path: `/${readingPath(name)}`,
      rights,
      parameters: [ARGS],
      ...(everywhere === undefined ? {} : { everywhere }),
      load: (look) => loaded(look, name, reading),
    };
  });

async function loaded(
  { client, given, may, heavy }: Look,
  name: ReadingName,
  { heavy: isHeavy, read, withoutSource }: Reading<object, unknown>,
): Promise<unknown> {
  const args = argsOf(name, given.one(ARGS) ?? {});
  const work = () => read(client, args, TIMEOUT);
  const result = isHeavy ? await heavy(work) : await work();
  return withoutSource === undefined || may("source") ? result : withoutSource(result);
}
