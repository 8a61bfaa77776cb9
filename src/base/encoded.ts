/**
 * Values that a payload codec has encoded, in the form in which the database holds them: the JSON
 * text `{"$continuum":"Encoded","key":"k1","value":"<base64>"}`. An object of a user that has the key
 * `$continuum` is written as type `Object` (`values.ts`), so no value of a user has this form.
 *
 * - ENCODED-1, never wrong data: a value that could not be decoded keeps this form, with the reason
 *   in place of the value. Reading it throws {@linkcode ValueCodecError}, which names the key.
 *
 * @module
 */

import { base64Of } from "./bytes.ts";
import { ValueCodecError } from "./errors.ts";

const BEGINNING = '{"$continuum":"Encoded",';

/** The type that such an object names. */
export const ENCODED = "Encoded";

/** What an encoded value says of itself. */
export interface EncodedParts {
  /** The id of its key. */
  readonly key: string;
  /** The bytes, in base64; absent: they could not be decoded, and `why` says why. */
  readonly value?: string;
  /** Why it could not be decoded. */
  readonly why?: string;
}

/** Whether a text is an encoded value, or one that could not be decoded. */
export function isEncoded(text: string | null | undefined): text is string {
  return typeof text === "string" && text.startsWith(BEGINNING);
}

/** Whether an object of parsed JSON is an encoded value. */
export function isEncodedObject(tree: unknown): tree is EncodedParts {
  return typeof tree === "object" && tree !== null &&
    (tree as Record<string, unknown>)["$continuum"] === ENCODED;
}

/**
 * Reads what an encoded value says of itself.
 *
 * @param text An encoded value.
 * @returns Its key, and its bytes or the reason.
 */
export function encodedParts(text: string): EncodedParts {
  return JSON.parse(text);
}

/**
 * The text of an encoded value.
 *
 * @param key The id of its key.
 * @param bytes What the codec returned.
 * @returns JSON text.
 */
export function encodedText(key: string, bytes: Uint8Array): string {
  return `${BEGINNING}"key":${JSON.stringify(key)},"value":"${base64Of(bytes)}"}`;
}

/**
 * The text of a value that could not be decoded (ENCODED-1).
 *
 * @param key The id of its key.
 * @param why Why.
 * @returns JSON text.
 */
export function undecodedText(key: string, why: string): string {
  return `${BEGINNING}"key":${JSON.stringify(key)},"why":${JSON.stringify(why)}}`;
}

/**
 * The error of a value that is not decoded.
 *
 * @param parts What the value says of itself.
 * @returns The error, which names the key.
 */
export function notDecoded({ key, why = NO_CODEC }: EncodedParts): ValueCodecError {
  return new ValueCodecError("VALUE_NOT_DECODED", `Cannot decode a value of key "${key}": ${why}`, {
    key,
    why,
  });
}

const NO_CODEC = "this process has no codec; pass the one that wrote it as option codec";

/**
 * A value that this process could not decode, in place of the value where runs and histories are
 * listed and shown.
 *
 * @category Values
 */
export class EncodedValue {
  /** The id of the key that decodes it. */
  readonly key: string;
  /** Why this process could not. */
  readonly why: string;

  /**
   * Made by the package.
   *
   * @param key The id of the key.
   * @param why Why the value could not be decoded.
   */
  constructor(key: string, why: string) {
    this.key = key;
    this.why = why;
  }

  /** What people see: `encrypted (key k1)`. */
  toString(): string {
    return encodedWords(this.key);
  }

  /** What JSON has in its place: the text that people see. */
  toJSON(): string {
    return this.toString();
  }
}

/**
 * What people see in place of a value that is not decoded.
 *
 * @param key The id of its key.
 */
export function encodedWords(key: string): string {
  return `encrypted (key ${key})`;
}

/**
 * Reads a value to be shown.
 *
 * @param text The text.
 * @param read Decodes it.
 * @returns The value; an {@linkcode EncodedValue} if it is not decoded.
 */
export function shownValue(text: string, read: (text: string) => unknown): unknown {
  if (!isEncoded(text)) return read(text);
  const { key, why = NO_CODEC } = encodedParts(text);
  return new EncodedValue(key, why);
}

/**
 * Facts to be shown: encoded values in them become what people see.
 *
 * @param facts Parsed JSON.
 * @returns The facts; the same ones if nothing in them is encoded.
 */
export function shownFacts<Facts>(facts: Facts): Facts {
  if (typeof facts !== "object" || facts === null) return facts;
  if (isEncodedObject(facts)) return encodedWords(facts.key) as Facts;
  const entries = Object.entries(facts).map(([key, value]) => [key, shownFacts(value)] as const);
  const isSame = entries.every(([key, value]) => value === (facts as Record<string, unknown>)[key]);
  if (isSame) return facts;
  return (Array.isArray(facts)
    ? entries.map(([, value]) => value)
    : Object.fromEntries(entries)) as Facts;
}
