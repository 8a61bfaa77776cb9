/**
 * Thrown values in the form of the journal. Unlike other values, a failure is always recordable.
 *
 * @module
 */

import { encodeTagged } from "./values_tagged.ts";
import { decode } from "./values.ts";

/** The longest text that {@linkcode encodeError} writes, in characters. */
export const MAX_FAILURE = 65_536;

/** The longest stack kept, in characters. */
const MAX_STACK = 8_192;

/** JSON may need six characters for one; three such texts stay within {@linkcode MAX_FAILURE}. */
const MAX_TEXT = 3_500;

/**
 * Encodes any thrown value; errors and their causes with their stacks. Never throws: a value that
 * cannot be encoded, or is longer than {@linkcode MAX_FAILURE}, is reduced to name, message and
 * stack.
 *
 * @param thrown The thrown value.
 * @returns JSON text, at most {@linkcode MAX_FAILURE} characters.
 */
export function encodeError(thrown: unknown): string {
  try {
    const text = JSON.stringify(encodeTagged(thrown, "error", MAX_STACK));
    if (text.length <= MAX_FAILURE) return text;
  } catch {
    // A symbol, a function, a cycle, a hostile proxy: reduced to name and message.
  }
  return JSON.stringify({ $continuum: "Error", value: summary(thrown) });
}

/**
 * Decodes what {@linkcode encodeError} wrote.
 *
 * @param text JSON text.
 * @returns The thrown value; an `Error` has its recorded stack.
 * @throws {CorruptValueError} If the text is not what `encodeError` writes.
 */
export function decodeError(text: string): unknown {
  return decode(text);
}

function summary(thrown: unknown): Record<string, string> {
  const fallback = "A thrown value cannot be serialised";
  if (typeof thrown !== "object" || thrown === null) {
    const text = cut(textOf(() => String(thrown)));
    return { name: "Error", message: text === "" ? fallback : `${fallback}: ${text}` };
  }
  const fields = thrown as Record<string, unknown>;
  const stack = textOf(() => fields.stack);
  return {
    name: cut(textOf(() => fields.name)) || "Error",
    message: cut(textOf(() => fields.message)) || fallback,
    ...(stack === "" ? {} : { stack: cut(stack) }),
  };
}

function textOf(read: () => unknown): string {
  try {
    const text = read();
    return typeof text === "string" ? text : "";
  } catch {
    return "";
  }
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)} [cut]`;
}
