/**
 * Which runs: the parameters of a filter, and the filter that they make.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import type { RunFilter } from "../operate/runs.ts";
import { STATE_WORDS, type StateWord } from "../operate/run_lines.ts";
import type { Query } from "./links.ts";
import { type Given, type Parameter, several, textParameter, wordParameter } from "./parameters.ts";
import { timeParameter, ZONE } from "./time_parameters.ts";

/** Live runs are meant if no state is given. */
const LIVE: readonly StateWord[] = ["live"];

const STATE = several(wordParameter("state", STATE_WORDS));
const WORKFLOW = textParameter("workflow");
const VERSION = textParameter("version");
const PARENT = textParameter("parent");
const SINCE = timeParameter("since");
const UNTIL = timeParameter("until");
const ENDED_SINCE = timeParameter("endedSince");

/** `n=1` is a number, `n=true` a boolean, and `n="1"` a text. */
const ATTRIBUTE: Parameter<readonly [string, string | number | boolean]> = {
  name: "attribute",
  many: true,
  read(text, what) {
    const at = text.indexOf("=");
    if (at < 1) refuse(what, text, "name=value");
    const [name, value] = [text.slice(0, at), text.slice(at + 1)];
    try {
      const read = JSON.parse(value);
      if (["string", "number", "boolean"].includes(typeof read)) return [name, read];
    } catch {
      // A text without quotes.
    }
    return [name, value];
  },
};

/** What ids begin with, in a list. */
export const ID_PREFIX: Parameter<string> = textParameter("id");

const OTHERS = [
  STATE,
  WORKFLOW,
  VERSION,
  PARENT,
  ATTRIBUTE,
  SINCE,
  UNTIL,
  ENDED_SINCE,
  ZONE,
] as const;

/**
 * The parameters of a filter.
 *
 * @param prefix The one that says what ids begin with.
 */
export function filterParameters(prefix: Parameter<string>): readonly Parameter[] {
  return [prefix, ...OTHERS];
}

/**
 * The filter that parameters make.
 *
 * @param given What was given.
 * @param prefix The parameter that says what ids begin with.
 */
export function filterOf(given: Given, prefix: Parameter<string> = ID_PREFIX): RunFilter {
  const states = given.all(STATE);
  const attributes = given.all(ATTRIBUTE);
  const one = <Value>(parameter: Parameter<Value>) => given.one(parameter) ?? undefined;
  return {
    states: states.length === 0 ? LIVE : states,
    workflow: one(WORKFLOW),
    version: one(VERSION),
    idPrefix: one(prefix),
    parent: one(PARENT),
    attributes: attributes.length === 0 ? undefined : Object.fromEntries(attributes),
    since: one(SINCE),
    until: one(UNTIL),
    endedSince: one(ENDED_SINCE),
  };
}

/** Times of a filter as ISO writes them: `2h` is another time by the next page. */
export type FilterTimes = Readonly<Record<"since" | "until" | "endedSince", string | null>>;

/**
 * The times of a filter.
 *
 * @param filter The filter.
 */
export function timesOf({ since, until, endedSince }: RunFilter): FilterTimes {
  const iso = (time?: Date) => time?.toISOString() ?? null;
  return { since: iso(since), until: iso(until), endedSince: iso(endedSince) };
}

/** The names of the parameters of a filter, as a list has them. */
export const FILTER_NAMES: readonly string[] = filterParameters(ID_PREFIX).map(({ name }) => name);

/**
 * The filter in an address, as it was given.
 *
 * @param query The query of the address.
 */
export function filterQuery(query: URLSearchParams): Query {
  return Object.fromEntries(
    FILTER_NAMES.map((name) => [name, query.getAll(name).filter((value) => value !== "")]),
  );
}
