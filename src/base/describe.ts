/**
 * Shows values that callers pass, for messages.
 *
 * - DESCRIBE-1: what is shown holds no secret (`withoutSecrets` of `text.ts`), no raw control
 *   character, and at most 80 characters of a text, 300 of a URL or specifier, or 320 of an id; of an
 *   object only its kind. This holds for messages and for the details of errors, except that details
 *   of calls hold ids with their control characters: a program looks the id up ({@linkcode idOf}).
 * - DESCRIBE-2: showing a value never throws.
 *
 * @module
 */

import { shorten } from "./text.ts";

/** How many characters a message shows of a text, of a URL or specifier, of words, and of an id. */
const MAX_SHOWN = 80;
const MAX_SHOWN_URL = 300;
const MAX_WORDS = 300;
const MAX_ID = 320;

/**
 * A text that a caller passed, in quotes, for a message: without secrets, control characters as
 * escapes, and at most 80 characters of it, or 300 of a URL or specifier.
 *
 * @param text The text.
 * @param most How many characters of it are shown, where it may be of use as a whole.
 * @returns The text, or its beginning, in quotes.
 */
export function quote(text: string, most: number = MAX_SHOWN): string {
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(text);
  return printable(JSON.stringify(shorten(text, isUrl ? Math.max(most, MAX_SHOWN_URL) : most)));
}

/**
 * An id, name or specifier in quotes, for a message (DESCRIBE-1). The longest id has 255 characters,
 * and a reader who searches for it needs all of it.
 *
 * @param id The text.
 * @returns The text in quotes, or its first 320 characters.
 */
export function quoteId(id: string): string {
  return quote(id, MAX_ID);
}

/**
 * An id, name or specifier for the details of an error (DESCRIBE-1).
 *
 * @param id The text.
 * @param most How many characters of it are shown; 320 when omitted.
 * @returns The text unchanged, unless it holds what DESCRIBE-1 forbids.
 */
export function shownId(id: string, most: number = MAX_ID): string {
  return printable(shorten(id, most));
}

/**
 * An id for the details of an error, by which a program finds what it names.
 *
 * @param id The id.
 * @returns The id, without secrets, at most 320 characters of it.
 */
export function idOf(id: string): string {
  return shorten(id, MAX_ID);
}

/** Stands in place of a value that was found, to say in words what is wrong with it. */
class Words {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Says in words what was found, where the value itself would not help the reader.
 *
 * @param text The words, such as `an empty array`.
 * @returns What `refuse` of `arguments.ts` takes for a value.
 */
export function inWords(text: string): unknown {
  return new Words(text);
}

/**
 * Shows a value in a message (DESCRIBE-1, DESCRIBE-2).
 *
 * @param value Anything.
 * @returns A few words.
 */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "symbol":
      return `Symbol(${value.description === undefined ? "" : quote(value.description)})`;
    case "bigint":
      return BigInt.asIntN(128, value) === value ? `${value}n` : "a bigint of over 128 bits";
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : describeObject(value);
    default:
      return Object.is(value, -0) ? "-0" : `${value}`;
  }
}

function describeObject(value: object): string {
  try {
    if (value instanceof Words) return printable(shorten(value.text, MAX_WORDS));
    if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
    if (value instanceof Date) {
      const ms = Date.prototype.getTime.call(value);
      return Number.isNaN(ms) ? "an invalid Date" : new Date(ms).toISOString();
    }
    const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
    if (kind === "Promise") return "a Promise, which is not awaited";
    const name = classOf(value);
    return name === undefined || name === "Object" ? "an object" : `an object of class ${name}`;
  } catch {
    return "an object that cannot be read"; // a trap or a getter that throws
  }
}

/** The name of an object's class, if it is a word that may stand in code. */
function classOf(value: object): string | undefined {
  const { constructor } = Object.getPrototypeOf(value) ?? {};
  if (typeof constructor !== "function" || typeof constructor.name !== "string") return undefined;
  return /^[\w$]{1,60}$/.test(constructor.name) ? constructor.name : undefined;
}

/**
 * Shows the control characters and lone surrogates of a text as escapes, so that the text moves no
 * cursor, ends no line and does not run backwards where it is printed.
 *
 * @param text The text.
 * @returns The text with `\u....` in place of each.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
