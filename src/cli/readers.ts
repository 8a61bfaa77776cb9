/**
 * Converts the texts of options and arguments.
 *
 * @module
 */

import { quote } from "../base/describe.ts";
import { durationMs } from "../base/duration.ts";
import { UsageError } from "./errors.ts";
import { faultOf } from "./json_fault.ts";

/**
 * Reads one of some words.
 *
 * @param words The words.
 * @returns A reader; it passes `undefined` through.
 */
export function oneOf<Word extends string>(
  words: readonly Word[],
): (text: string | undefined, flag: string) => Word | undefined {
  return (text, flag) => {
    if (text === undefined || words.includes(text as Word)) return text as Word | undefined;
    return refuse(flag, text, `${words.join(", ")}${similar(text, words)}`);
  };
}

/**
 * Reads a text. An empty one is a variable of a script that is not set: it must not select all.
 *
 * @param text The text.
 * @param flag The option.
 */
export function filled(text: string, flag: string): string {
  return text === "" ? refuse(flag, text, "a text of at least one character") : text;
}

/**
 * Reads a whole number.
 *
 * @param from The least.
 * @param to The most.
 * @returns A reader.
 */
export function whole(from: number, to: number = Infinity): (text: string, flag: string) => number {
  return (text, flag) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (number >= from && number <= to) return number;
    const wanted = to === Infinity ? `from ${from} on` : `from ${from} to ${to}`;
    return refuse(flag, text, `a whole number ${wanted}`);
  };
}

/** Reads a duration, such as `30s` or `2h`; in milliseconds. */
export function duration(text: string, flag: string): number {
  try {
    return durationMs(text, flag);
  } catch {
    return refuse(flag, text, "a duration such as 500ms, 30s, 1h30m or 7d, up to 104166 days");
  }
}

/**
 * Reads a time: as ISO writes it, or a duration, which counts back from now.
 *
 * @param text The text.
 * @param flag The option.
 * @param now Milliseconds since the epoch.
 */
export function timeAgo(text: string, flag: string, now: number = Date.now()): Date {
  if (/^\d{4}-\d\d-\d\d/.test(text)) {
    const date = new Date(text);
    if (!Number.isNaN(date.getTime())) return date;
  } else {
    try {
      return new Date(now - durationMs(text, flag));
    } catch {
      // Refused below, with both forms.
    }
  }
  return refuse(flag, text, "a duration such as 2h, or a time such as 2026-01-31T12:00:00Z");
}

/** Reads a time as ISO writes it. */
export function timeAt(text: string, flag: string): Date {
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(NaN);
  if (!Number.isNaN(date.getTime())) return date;
  return refuse(flag, text, "a time such as 2026-01-31T12:00:00Z");
}

/** Reads `name=value`; a value that is a JSON number or boolean is one. */
export function pair(text: string, flag: string): readonly [string, string | number | boolean] {
  const at = text.indexOf("=");
  if (at < 1) return refuse(flag, text, "name=value");
  const value = text.slice(at + 1);
  const isJson = /^(?:true|false|-?(?:0|[1-9]\d{0,14})(?:\.\d+)?)$/.test(value);
  return [text.slice(0, at), isJson ? JSON.parse(value) : value];
}

/**
 * Reads JSON. A number that JavaScript can't hold exactly is refused.
 *
 * @param text The text.
 * @param flag The option or argument, for errors.
 * @throws {UsageError} If it is not JSON; the message has line and column.
 */
export function json(text: string, flag: string): unknown {
  const fault = faultOf(text);
  if (fault === null) return JSON.parse(text);
  const { found, wanted, line, column } = fault;
  const isWord = /^\s*[a-z_][\w.-]*\s*$/i.test(text);
  throw new UsageError(
    `Cannot use ${flag}: found ${found} at line ${line}, column ${column} of ${quote(text)}, ` +
      `wanted ${wanted}`,
    isWord ? `A text needs its own quotes: '${quote(text.trim())}'.` : null,
  );
}

/**
 * Refuses the text of an option.
 *
 * @param flag The option or argument.
 * @param found The text.
 * @param wanted What was wanted.
 * @throws {UsageError} Always.
 */
export function refuse(flag: string, found: string, wanted: string): never {
  throw new UsageError(`Cannot use ${flag}: found ${quote(found)}, wanted ${wanted}`);
}

/**
 * Suggests a word that resembles one that is unknown.
 *
 * @param text The unknown word.
 * @param words The known ones.
 * @returns ` (did you mean ...?)`, or the empty text.
 */
export function similar(text: string, words: readonly string[]): string {
  const [best] = words.map((word) => ({ word, steps: distance(text, word) }))
    .filter(({ word, steps }) => steps <= Math.ceil(word.length / 3))
    .sort((a, b) => a.steps - b.steps);
  return best === undefined ? "" : ` (did you mean ${best.word}?)`;
}

/** How many characters have to be inserted, removed or replaced to make `a` from `b`. */
function distance(a: string, b: string): number {
  if (a.length > 64) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, row[j]! + 1, next[j - 1]! + 1);
    }
    row = next;
  }
  return row.at(-1)!;
}
