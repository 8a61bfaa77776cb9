/**
 * Search attributes: values that callers and workflows set on a run, by which it can be found.
 *
 * @module
 */

import { inWords } from "./describe.ts";
import { refuse as refuseArgument } from "./arguments.ts";
import { isStorable } from "./text.ts";

/**
 * A value of an attribute that has no parts.
 *
 * @category Runs
 */
export type AttributeScalar = string | number | boolean | null;

/**
 * A value of an attribute: JSON without mixed arrays. Dates are kept as ISO strings.
 *
 * @category Runs
 */
export type AttributeValue =
  | AttributeScalar
  | readonly string[]
  | readonly number[]
  | Attributes;

/**
 * Attributes by name.
 *
 * @category Runs
 */
export interface Attributes {
  /** The value of each. */
  readonly [name: string]: AttributeValue;
}

/**
 * A value as callers pass it: a `Date` becomes an ISO string.
 *
 * @category Runs
 */
export type AttributeInput =
  | AttributeScalar
  | Date
  | readonly string[]
  | readonly number[]
  | { readonly [name: string]: AttributeInput };

/**
 * Attributes that are merged into the existing ones.
 *
 * @category Runs
 */
export interface AttributesPatch {
  /** The new value of each; `undefined` removes it. */
  readonly [name: string]: AttributeInput | undefined;
}

/** A checked patch. */
export interface AttributesChange {
  /** The JSON object that is merged. */
  readonly set: string;
  /** Names that are removed first. */
  readonly remove: readonly string[];
}

/** The longest name of an attribute, in characters. */
const MAX_NAME = 100;
/** The longest patch, in characters of its JSON. */
const MAX_TEXT = 65_536;
const MAX_DEPTH = 8;

/**
 * Checks a patch.
 *
 * @param patch The argument that was passed.
 * @param what The call that takes it, such as `attributes.set`.
 * @returns The change.
 * @throws {InvalidArgumentError} If a name or a value can't be stored; the message has its path.
 */
export function readAttributes(patch: unknown, what: string): AttributesChange {
  if (!isPlainObject(patch)) refuse(what, "", patch, "an object of attributes");
  const remove: string[] = [];
  const set: Record<string, AttributeValue> = Object.create(null);
  for (const [name, value] of Object.entries(patch)) {
    checkName(what, "", name);
    if (value === undefined) remove.push(name);
    else set[name] = readValue(what, name, value, 1);
  }
  const text = JSON.stringify(set);
  if (text.length > MAX_TEXT) {
    refuse(
      what,
      "",
      inWords(`${text.length} characters`),
      `at most ${MAX_TEXT} characters of JSON`,
    );
  }
  return { set: text, remove };
}

/**
 * Checks one value.
 *
 * @param what The call that takes it.
 * @param path Its path, for messages.
 * @param value The value that was passed.
 * @param depth How many objects contain it.
 * @returns The value, with dates as ISO strings.
 * @throws {InvalidArgumentError} If it can't be stored.
 */
export function readValue(
  what: string,
  path: string,
  value: unknown,
  depth: number = 1,
): AttributeValue {
  switch (typeof value) {
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      break;
    case "string":
      if (isStorable(value)) return value;
      refuse(what, path, value, "text without NUL characters and lone surrogates");
      break;
    case "object":
      if (value === null) return null;
      if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
      if (Array.isArray(value)) return readArray(what, path, value);
      if (isPlainObject(value) && depth < MAX_DEPTH) return readObject(what, path, value, depth);
  }
  return refuse(
    what,
    path,
    value,
    `a string, number, boolean, null, Date, an array of strings or of numbers, or an object of ` +
      `these, at most ${MAX_DEPTH} deep`,
  );
}

function readArray(what: string, path: string, values: readonly unknown[]): AttributeValue {
  const kind = typeof values[0];
  if (values.length > 0 && kind !== "string" && kind !== "number") {
    refuse(what, path, values, "an array of strings or of numbers");
  }
  return Array.from(values, (value, index) => {
    const same = typeof value;
    if (same === kind) return readValue(what, `${path}[${index}]`, value);
    return refuse(what, `${path}[${index}]`, value, `a ${kind}, as the others`);
  }) as readonly string[] | readonly number[];
}

function readObject(what: string, path: string, value: object, depth: number): Attributes {
  const read: Record<string, AttributeValue> = Object.create(null);
  for (const [name, part] of Object.entries(value)) {
    checkName(what, path, name);
    read[name] = readValue(what, `${path}.${name}`, part, depth + 1);
  }
  return read;
}

/** A name without dots: a dot separates the names of a path. */
function checkName(what: string, path: string, name: string): void {
  if (name !== "" && name.length <= MAX_NAME && !name.includes(".") && isStorable(name)) return;
  refuse(what, path, name, `names of 1 to ${MAX_NAME} characters without dots`);
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function refuse(what: string, path: string, found: unknown, wanted: string): never {
  const where = path === "" ? what : `${what}: ${path}`;
  return refuseArgument(`attributes of ${where}`, found, wanted);
}
