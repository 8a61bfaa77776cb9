/**
 * Which runs: read from a query or a form, and written back to one.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import type { RunFilter } from "../operate/runs.ts";
import { STATE_WORDS, type StateWord } from "../operate/run_lines.ts";
import type { Fields } from "./fields.ts";
import type { Query } from "./links.ts";

/** Live runs are meant if no state is given. */
const LIVE: readonly StateWord[] = ["live"];

/**
 * Reads a filter.
 *
 * @param fields `state` (several), `workflow`, `version`, `id` (what it begins with), `parent`,
 * `attribute` (`name=value`, several), `since`, `until`, `endedSince` (ISO times, or `2h`).
 * @param now What relative times count from.
 * @throws {InvalidArgumentError} If a field can't be read.
 */
export function filterOf(fields: Fields, now: Date): RunFilter {
  const states = fields.list("state").map(stateOf);
  const attributes = Object.fromEntries(fields.list("attribute").map(attributeOf));
  const text = (name: string) => fields.text(name) ?? undefined;
  return {
    states: states.length === 0 ? LIVE : states,
    workflow: text("workflow"),
    version: text("version"),
    idPrefix: text("prefix") ?? text("id"),
    parent: text("parent"),
    attributes: Object.keys(attributes).length === 0 ? undefined : attributes,
    since: timeOf("since", fields.text("since"), now),
    until: timeOf("until", fields.text("until"), now),
    endedSince: timeOf("endedSince", fields.text("endedSince"), now),
  };
}

/** The names of the fields that make a filter. */
export const FILTER_FIELDS = [
  "state",
  "workflow",
  "version",
  "id",
  "parent",
  "attribute",
  "since",
  "until",
  "endedSince",
] as const;

/**
 * The fields of a filter, as they were given.
 *
 * @param fields The fields.
 */
export function filterQuery(fields: Fields): Query {
  return Object.fromEntries(FILTER_FIELDS.map((name) => [name, fields.list(name)]));
}

function stateOf(text: string): StateWord {
  const word = STATE_WORDS.find((word) => word === text);
  return word ?? refuse("field state", text, STATE_WORDS.join(", "));
}

/** `n=1` is a number, `n=true` a boolean, and `n="1"` a text. */
function attributeOf(text: string): readonly [string, string | number | boolean] {
  const at = text.indexOf("=");
  if (at < 1) refuse("field attribute", text, "name=value");
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  try {
    const read = JSON.parse(value);
    if (["string", "number", "boolean"].includes(typeof read)) return [name, read];
  } catch {
    // A text without quotes.
  }
  return [name, value];
}

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

function timeOf(name: string, text: string | null, now: Date): Date | undefined {
  if (text === null) return undefined;
  const [, count, unit] = /^(\d{1,6})\s*([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(now.getTime() - Number(count) * UNITS[unit!]!);
  // Without a zone, a time is in UTC, as a form's `datetime-local` sends it.
  const date = new Date(
    /\d{2}:\d{2}(?::\d{2})?$/.test(text) && !/[+-]\d{2}:\d{2}$/.test(text) ? `${text}Z` : text,
  );
  if (Number.isNaN(date.getTime())) {
    refuse(`field ${name}`, text, "a time such as 2h, 2026-01-31 or 2026-01-31T12:00");
  }
  return date;
}
