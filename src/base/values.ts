/**
 * Values in the form of the journal: JSON text that any JSON reader can read.
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

import { quote } from "./describe.ts";
import { decodeTagged, encodeTagged, TAG } from "./values_tagged.ts";
import { CorruptValueError } from "./errors.ts";

/**
 * Encodes a value.
 *
 * @param value The value.
 * @param path What errors call the value, such as `input`.
 * @returns JSON text.
 * @throws {NotSerializableError} If the value, or a part of it, has another type.
 */
export function encode(value: unknown, path = "value"): string {
  return encodePlain(value) ?? JSON.stringify(encodeTagged(value, path));
}

/**
 * Encodes a value that is plain JSON; `null` for others, which the slower walk encodes or refuses.
 */
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
      {
        const copy = plainCopy(value, 0);
        if (copy !== null) return JSON.stringify(copy);
      }
      break;
  }
  return null;
}

/**
 * Decodes what {@linkcode encode} wrote.
 *
 * @param text JSON text.
 * @returns A new value, which no other code holds.
 * @throws {CorruptValueError} If the text is not JSON, or names an unknown type.
 */
export function decode(text: string): unknown {
  let tree: unknown;
  try {
    tree = JSON.parse(text);
  } catch (error) {
    throw new CorruptValueError(
      `Cannot decode a value: found ${quote(text, 60)}, wanted JSON text`,
      error,
    );
  }
  return text.includes(TAG) ? decodeTagged(tree) : tree;
}

/** Deeper values are left to the slower walk, which detects cycles. */
const PLAIN_DEPTH = 32;

/**
 * A copy of a value that is plain JSON: the common case, in one quick walk. Each field is read
 * once, since a getter may return another value the next time. `null`: it is not plain JSON.
 */
function plainCopy(value: object, depth: number): object | null {
  if (depth > PLAIN_DEPTH) return null;
  if (Array.isArray(value)) {
    if (Object.getPrototypeOf(value) !== Array.prototype) return null;
    const copy: unknown[] = [];
    for (let i = 0; i < value.length; i++) {
      const part = plainPart(value[i], depth);
      if (part === undefined) return null;
      copy.push(part);
    }
    return copy;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return null;
  if (Object.getOwnPropertySymbols(value).length > 0) return null;
  const record = value as Record<string, unknown>;
  const copy: Record<string, unknown> = {};
  const keys = Object.keys(record);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (key === TAG || key === "__proto__") return null;
    const part = plainPart(record[key], depth);
    if (part === undefined) return null;
    copy[key] = part;
  }
  return copy;
}

/** `undefined`: it is not plain JSON. */
function plainPart(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : undefined;
    case "object":
      return value === null ? null : plainCopy(value, depth + 1) ?? undefined;
    default:
      return undefined;
  }
}
