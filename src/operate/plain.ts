/**
 * Values as plain JSON: what faces print, render and send.
 *
 * - PLAIN-1: a value of plain JSON survives `JSON.stringify` unchanged: it holds no class, no
 *   `undefined`, and no number that JSON can't write.
 *
 * @module
 */

import { EncodedValue } from "../base/encoded.ts";
import { isContinuumError } from "../base/errors.ts";

/** Plain JSON. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** The plain JSON of a type. */
export type Plain<Value> = unknown extends Value ? Json
  : Value extends string | number | boolean | null ? Value
  : Value extends undefined ? null
  : Value extends Date | bigint | Uint8Array ? string
  : Value extends readonly (infer Item)[] ? readonly Plain<Item>[]
  : Value extends object ? { readonly [Key in keyof Value]: Plain<Value[Key]> }
  : never;

/**
 * Converts a value that was decoded from the journal, or a result of the client.
 *
 * A `Date` becomes its ISO text, a `bigint` its digits, bytes base64, a `Map` an array of pairs, a
 * `Set` an array, a value that could not be decoded `encrypted (key k1)`, `undefined` `null`, `NaN`
 * and the infinities their names, and an error an object with its name, message, code, details and
 * cause.
 *
 * @param value The value.
 * @returns Plain JSON (PLAIN-1).
 */
export function plain<Value>(value: Value): Plain<Value> {
  return plainOf(value) as Plain<Value>;
}

function plainOf(value: unknown): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
      return value.toString();
    case "object":
      return value === null ? null : plainObject(value);
    default:
      return null;
  }
}

function plainObject(value: object): Json {
  if (Array.isArray(value)) return Array.from(value, plainOf); // a hole is undefined
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return value.toBase64();
  if (value instanceof Map) {
    return Array.from(value, ([key, item]) => [plainOf(key), plainOf(item)]);
  }
  if (value instanceof Set) return Array.from(value, plainOf);
  if (value instanceof Error) return plainError(value);
  if (value instanceof EncodedValue) return value.toString();
  const entries = Object.entries(value).map(([key, item]) => [key, plainOf(item)] as const);
  return Object.fromEntries(entries);
}

/** The stack is of the process that read the error, and says nothing about the run. */
function plainError(error: Error): Json {
  const own = Object.entries(error).filter(([key]) => !["code", "details", "name"].includes(key));
  return {
    name: error.name,
    message: error.message,
    ...(isContinuumError(error) ? { code: error.code, details: plainOf(error.details) } : {}),
    ...("cause" in error ? { cause: plainOf(error.cause) } : {}),
    ...Object.fromEntries(own.map(([key, item]) => [key, plainOf(item)])),
  };
}
