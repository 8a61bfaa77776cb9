/**
 * Values as the journal keeps them: JSON text that any JSON reader can read.
 *
 * Beyond JSON there are `undefined`, `Date`, `bigint`, `Map`, `Set`, `Uint8Array`, `Error`, `NaN`,
 * the infinities and `-0`. Each is an object with the key `$continuum`, which names its type, and
 * the key `value`: `{"$continuum":"Date","value":"2026-01-31T00:00:00.000Z"}`. An ordinary object
 * that has the key `$continuum` itself is wrapped as type `Object`. Everything else is refused with
 * its path. Objects keep their own enumerable string keys, arrays their elements (a hole is
 * `undefined`), errors their name, message, cause and serialisable own fields, without the stack
 * (which would change the digest of an input with every move of the code).
 *
 * @module
 */

import { decodeTagged, encodeTagged, TAG } from "./values_tagged.ts";
import { CorruptValueError } from "./errors.ts";

/**
 * Encodes a value.
 *
 * @param value The value.
 * @param path What the value is called in errors, such as `input`.
 * @returns JSON text.
 * @throws {NotSerializableError} If the value, or a part of it, is none of the known types.
 */
export function encode(value: unknown, path = "value"): string {
  return encodePlain(value) ?? JSON.stringify(encodeTagged(value, path));
}

/** What JSON alone carries; null is for the slower walk, which says what is wrong and where. */
function encodePlain(value: unknown): string | null {
  try {
    return plainText(value);
  } catch {
    return null; // a getter or a trap that throws, or more than a text can hold
  }
}

function plainText(value: unknown): string | null {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (Number.isFinite(value) && !Object.is(value, -0)) return String(value);
      break;
    case "object":
      if (value === null) return "null";
      if (isPlain(value, 0)) return JSON.stringify(value);
      break;
  }
  return null;
}

/**
 * Decodes what {@linkcode encode} wrote.
 *
 * @param text JSON text.
 * @returns A new value, shared with nobody.
 * @throws {CorruptValueError} If the text is not JSON, or names an unknown type.
 */
export function decode(text: string): unknown {
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch (error) {
    throw new CorruptValueError(
      `Cannot decode a value: found ${JSON.stringify(text.slice(0, 60))}, wanted JSON text`,
      error,
    );
  }
  return text.includes(TAG) ? decodeTagged(tree) : tree;
}

/** Past this depth the slower walk takes over, which knows cycles. */
const PLAIN_DEPTH = 32;

/** Whether JSON alone carries the object without loss: the common case, in one quick walk. */
function isPlain(value: object, depth: number): boolean {
  if (depth > PLAIN_DEPTH) return false;
  if (Array.isArray(value)) {
    if (Object.getPrototypeOf(value) !== Array.prototype) return false;
    for (let i = 0; i < value.length; i++) if (!isPlainPart(value[i], depth)) return false;
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (key === TAG || !isPlainPart(record[key], depth)) return false;
  }
  return Object.getOwnPropertySymbols(value).length === 0;
}

function isPlainPart(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      return value === null || isPlain(value, depth + 1);
    default:
      return false;
  }
}
