/**
 * Reads what callers pass: options, names, texts, numbers. Whatever is invalid is refused by one
 * error, at the call.
 *
 * - ARGUMENT-1: each message says which argument of which call cannot be used, the value found, and
 *   what was wanted. Only this file makes the error.
 * - ARGUMENT-2: the name of an argument may hold a value of the caller, and is shown as values are
 *   (DESCRIBE-1 of `describe.ts`). What was wanted never holds one.
 *
 * @module
 */

import { isStorableDate, STORABLE_DATES } from "./dates.ts";
import { InvalidArgumentError } from "./errors.ts";
import { describe, inWords, printable, quote } from "./describe.ts";
import { isStorable, shorten } from "./text.ts";

/** The longest name of a workflow, activity, step, signal or patch, in characters. */
export const MAX_NAME = 200;

/** Names that begin so are the engine's own, also those that later releases will give. */
const RESERVED = "continuum:";

/** How many characters of the name of an argument a message shows. */
const MAX_ARGUMENT = 300;

/**
 * Refuses an argument (ARGUMENT-1, ARGUMENT-2).
 *
 * @param argument Which one, and of what: `option limit of runs.query()`.
 * @param found The value, or what {@linkcode inWords} says of it.
 * @param wanted What was wanted instead: words of this package, with no value in them.
 * @param code The code of the error; `INVALID_ARGUMENT` when omitted.
 * @throws {InvalidArgumentError} Always.
 */
export function refuse(
  argument: string,
  found: unknown,
  wanted: string,
  code?: InvalidArgumentError["code"],
): never {
  const [named, shown] = [printable(shorten(argument, MAX_ARGUMENT)), describe(found)];
  throw new InvalidArgumentError(`Cannot use ${named}: found ${shown}, wanted ${wanted}`, {
    argument: named,
    found: shown,
    wanted,
  }, code);
}

/**
 * Refuses an argument unless a condition holds.
 *
 * @param good The condition.
 * @param argument Which argument.
 * @param found The value.
 * @param wanted What was wanted instead.
 * @throws {InvalidArgumentError} If it does not hold.
 */
export function refuseUnless(
  good: boolean,
  argument: string,
  found: unknown,
  wanted: string,
): asserts good {
  if (!good) refuse(argument, found, wanted);
}

/**
 * Checks the options of a call: an object whose keys are known.
 *
 * @param options What was passed.
 * @param known The keys that there are.
 * @param call The call: `runs.query()`.
 * @throws {InvalidArgumentError} If it is no object, or has another key.
 */
export function checkOptions(options: unknown, known: readonly string[], call: string): void {
  if (!hasOnly(options, known)) checkKeys(options, known, `the options of ${call}`);
}

/**
 * Checks an option that is an object whose keys are known.
 *
 * @param object What was passed.
 * @param known The keys that there are.
 * @param argument Which argument.
 * @throws {InvalidArgumentError} If it is no object, or has another key.
 */
export function checkKeys(object: unknown, known: readonly string[], argument: string): void {
  if (hasOnly(object, known)) return;
  const keys = isObject(object) ? keysOf(object) : [];
  const wrong = keys.find((key) => !known.includes(key));
  if (wrong === undefined) refuse(argument, object, "an object");
  const meant = nearest(wrong, known);
  const found = `the key ${quote(wrong)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`;
  refuse(argument, inWords(found), known.length === 0 ? "no keys" : known.join(", "));
}

/** Read for each step: nothing is made but the list of the keys. */
function hasOnly(object: unknown, known: readonly string[]): boolean {
  if (!isObject(object)) return false;
  const keys = keysOf(object);
  for (const key of keys) if (!known.includes(key)) return false;
  // A Promise, Map or URL in place of options has no keys either.
  return keys.length > 0 || Object.prototype.toString.call(object) === "[object Object]";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !isArray(value);
}

function isArray(value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return true; // a revoked proxy, which no object can be read from
  }
}

function keysOf(object: object): readonly string[] {
  try {
    return Object.keys(object);
  } catch {
    return []; // a proxy: it is described as what cannot be read
  }
}

/** The known word that a caller has most probably mistyped. */
function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  const least = (candidate: string) => distance(word.toLowerCase(), candidate.toLowerCase());
  const [best] = known.map((candidate) => ({ candidate, edits: least(candidate) }))
    .filter(({ candidate, edits }) => edits <= Math.min(2, candidate.length / 3))
    .sort((a, b) => a.edits - b.edits);
  return best?.candidate;
}

/** How many characters must be inserted, removed or replaced. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [line, character] of [...from].entries()) {
    const next = [line + 1];
    for (let at = 0; at < to.length; at++) {
      const replaced = row[at]! + (character === to[at] ? 0 : 1);
      next.push(Math.min(replaced, row[at + 1]! + 1, next[at]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}

/**
 * Checks a name of a workflow, activity, step, signal or patch.
 *
 * @param name What was passed.
 * @param what What it names: `an activity`.
 * @returns The name.
 * @throws {InvalidArgumentError} If it is no text of 1 to 200 characters, holds a NUL character or
 * a lone surrogate, or is reserved.
 */
export function readName(name: unknown, what: string): string {
  if (isText(name, MAX_NAME) && !name.startsWith(RESERVED)) return name;
  const argument = `a name for ${what}`;
  checkText(name, argument, MAX_NAME);
  return refuse(
    argument,
    name,
    `one that does not begin with "${RESERVED}", which is reserved for the engine`,
  );
}

/**
 * Checks a text of bounded length that a database keeps.
 *
 * @param text What was passed.
 * @param argument Which argument: `a run id`.
 * @param longest In characters; `Infinity`: unbounded.
 * @returns The text.
 * @throws {InvalidArgumentError} If it is no text of 1 to `longest` characters, or holds a NUL
 * character or a lone surrogate.
 */
export function checkText(text: unknown, argument: string, longest: number = 255): string {
  if (isText(text, longest)) return text;
  const range = longest === Infinity ? "1 or more" : `1 to ${longest}`;
  const isLong = typeof text === "string" && text.length > longest;
  return refuse(
    argument,
    isLong ? inWords(`a text of ${text.length} characters`) : text,
    `a text of ${range} characters, without NUL and lone surrogates`,
  );
}

function isText(text: unknown, longest: number): text is string {
  return typeof text === "string" && text !== "" && text.length <= longest && isStorable(text);
}

/**
 * Checks that something is a function.
 *
 * @param value What was passed.
 * @param argument Which argument: `the function of activity "charge"`.
 * @throws {InvalidArgumentError} If it is no function.
 */
export function checkFunction(value: unknown, argument: string): void {
  if (typeof value !== "function") refuse(argument, value, "a function");
}

/**
 * Checks that something is `true` or `false`.
 *
 * @param value What was passed.
 * @param argument Which argument.
 * @throws {InvalidArgumentError} If it is neither.
 */
export function checkBoolean(value: unknown, argument: string): void {
  if (typeof value !== "boolean") refuse(argument, value, "true or false");
}

/**
 * Checks a whole number.
 *
 * @param value What was passed.
 * @param argument Which argument.
 * @param from The least.
 * @param to The most; unbounded when omitted.
 * @returns The number.
 * @throws {InvalidArgumentError} If it is no whole number of that range.
 */
export function checkWhole(value: unknown, argument: string, from: number, to = Infinity): number {
  if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) {
    return value as number;
  }
  return refuse(
    argument,
    value,
    `a whole number from ${from}${to === Infinity ? "" : ` to ${to}`}`,
  );
}

/**
 * Checks that a value is one of a few texts.
 *
 * @param value What was passed.
 * @param argument Which argument.
 * @param choices The texts.
 * @returns The value.
 * @throws {InvalidArgumentError} If it is none of them.
 */
export function checkChoice<Choice extends string>(
  value: unknown,
  argument: string,
  choices: readonly Choice[],
): Choice {
  if (choices.includes(value as Choice)) return value as Choice;
  const quoted = choices.map((choice) => `"${choice}"`);
  const last = quoted.length > 1 ? ` or ${quoted.pop()}` : "";
  return refuse(argument, value, `${quoted.join(", ")}${last}`);
}

/**
 * Checks an array.
 *
 * @param value What was passed.
 * @param argument Which argument.
 * @param wanted What was wanted: `an array of specifiers`.
 * @param isGood Whether an entry is good; all are when omitted.
 * @throws {InvalidArgumentError} If it is no array, or an entry is not good: the first is shown.
 */
export function checkArray(
  value: unknown,
  argument: string,
  wanted: string,
  isGood: (entry: unknown) => boolean = () => true,
): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) refuse(argument, value, wanted);
  const wrong = value.findIndex((entry) => !isGood(entry));
  if (wrong >= 0) refuse(`${argument}[${wrong}]`, value[wrong], wanted);
}

/**
 * Checks a date that databases and run ids can keep.
 *
 * @param value What was passed.
 * @param argument Which argument.
 * @returns Milliseconds since the epoch.
 * @throws {InvalidArgumentError} If it is no valid date from 1970 to 9999.
 */
export function checkDate(value: unknown, argument: string): number {
  if (isInstance(value, Date) && isStorableDate(value)) return value.getTime();
  return refuse(argument, value, STORABLE_DATES);
}

/**
 * Checks the signal that gives something up.
 *
 * @param signal What was passed.
 * @param what What takes it.
 * @throws {InvalidArgumentError} If it is neither an `AbortSignal` nor left out.
 */
export function checkAbortSignal(signal: unknown, what: string): void {
  if (signal === undefined || isInstance(signal, AbortSignal)) return;
  refuse(`option signal of ${what}`, signal, "an AbortSignal");
}

function isInstance(value: unknown, constructor: new (...args: never[]) => unknown): boolean {
  try {
    return value instanceof constructor;
  } catch {
    return false; // the trap of a proxy
  }
}
