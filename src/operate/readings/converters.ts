/**
 * Converts what a request passes to a reading: JSON of which nothing is known.
 *
 * @module
 */

import {
  checkBoolean,
  checkChoice,
  checkKeys,
  checkText,
  checkWhole,
  refuse,
} from "../../base/arguments.ts";
import type { RunFilter } from "../runs.ts";

/** A server replays the code of a run for at most this long, in milliseconds. */
export const MOST_MS = 10_000;

/**
 * Converts one argument.
 *
 * @param value What was passed.
 * @param what What errors call it.
 * @returns The argument.
 * @throws {InvalidArgumentError} If it is not what is wanted.
 */
export type Converter = (value: unknown, what: string) => unknown;

/** A text, such as an id. */
export const text: Converter = (value, what) => checkText(value, what, 10_000);

/** `true` or `false`. */
export const flag: Converter = (value, what) => {
  checkBoolean(value, what);
  return value;
};

/**
 * A whole number.
 *
 * @param from The least.
 * @param to The most.
 */
export function whole(from: number, to: number = Number.MAX_SAFE_INTEGER): Converter {
  return (value, what) => checkWhole(value, what, from, to);
}

/** How long a server may replay the code of a run, in milliseconds. */
export const deadline: Converter = (value, what) => {
  if (typeof value === "number" && value > MOST_MS) {
    refuse(what, value, `at most ${MOST_MS} ms, since a server replays the code`);
  }
  return whole(1)(value, what);
};

/**
 * One of some words.
 *
 * @param words The words.
 */
export function choice(words: readonly string[]): Converter {
  return (value, what) => checkChoice(value, what, words);
}

/**
 * An array.
 *
 * @param item Converts each item.
 */
export function listOf(item: Converter): Converter {
  return (value, what) => {
    if (!Array.isArray(value)) refuse(what, value, "an array");
    return value.map((each) => item(each, what));
  };
}

/** A time: JSON has it as ISO writes it. */
export const time: Converter = (value, what) => {
  const date = new Date(typeof value === "string" ? value : NaN);
  return Number.isNaN(date.getTime()) ? refuse(what, value, "a time as ISO writes it") : date;
};

/** The hash of a version, or digits of it: no server reads modules that a request names. */
export const hash: Converter = (value, what) =>
  typeof value === "string" && /^[0-9a-f]{4,64}$/i.test(value)
    ? value
    : refuse(what, value, "4 to 64 digits of a version's hash: a server reads no modules");

/** A condition on runs: the client checks what is in it. */
export const condition: Converter = (value) => value;

const FILTER: { readonly [Key in keyof RunFilter]-?: Converter } = {
  states: listOf(text),
  workflow: text,
  version: text,
  idPrefix: text,
  parent: text,
  forksOf: text,
  attributes: condition,
  since: time,
  until: time,
  endedSince: time,
  where: condition,
};

/** Which runs. */
export const filter: Converter = (value, what) => converted(value, FILTER, what);

/**
 * Converts an object of arguments.
 *
 * @param given What was passed.
 * @param converters Those of all keys.
 * @param what What errors call the object.
 * @throws {InvalidArgumentError} If a key is unknown or a value is not what is wanted.
 */
export function converted(
  given: unknown,
  converters: Readonly<Record<string, Converter>>,
  what: string,
): object {
  checkKeys(given, Object.keys(converters), what);
  return Object.fromEntries(
    Object.entries(given as object).map((
      [key, value],
    ) => [key, converters[key]!(value, `${key} of ${what}`)]),
  );
}
