/**
 * Where commands read from.
 *
 * @module
 */

import type { Continuum } from "../client.ts";
import {
  type ArgsOf,
  type Reading,
  type ReadingName,
  READINGS,
  type ResultOf,
} from "./readings.ts";

/**
 * Reads from a database, or from an observer.
 *
 * @param name What to read.
 * @param args What the reading takes.
 */
export type Read = <Name extends ReadingName>(
  name: Name,
  args: ArgsOf<Name>,
) => Promise<ResultOf<Name>>;

/**
 * Reads from a database.
 *
 * @param client The client.
 */
export function readFrom(client: Continuum): Read {
  return async <Name extends ReadingName>(name: Name, args: ArgsOf<Name>) => {
    // By its name, a reading is of those arguments and of that result.
    const reading = READINGS[name] as unknown as Reading<ArgsOf<Name>, ResultOf<Name>>;
    return await reading.read(client, args);
  };
}
