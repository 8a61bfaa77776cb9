/**
 * What was thrown, as the journal keeps it. Unlike a value, a failure is always recordable.
 *
 * @module
 */

import { encodeTagged } from "./values_tagged.ts";
import { decode } from "./values.ts";

/** The longest text that {@linkcode encodeError} writes, in characters. */
export const MAX_FAILURE = 65_536;

/** The longest stack kept, in characters. */
const MAX_STACK = 8_192;

/** JSON may write a character as six; three such texts stay within the bound. */
const MAX_TEXT = 3_500;

/**
 * Encodes anything that was thrown; errors, also causes, with their stacks. Never throws: what
 * cannot be written, or is longer than {@linkcode MAX_FAILURE}, is cut down to name, message and
 * stack.
 *
 * @param thrown What was thrown.
 * @returns JSON text, at most {@linkcode MAX_FAILURE} characters.
 */
export function encodeError(thrown: unknown): string {
  try {
    const text = JSON.stringify(encodeTagged(thrown, "error", MAX_STACK));
    if (text.length <= MAX_FAILURE) return text;
  } catch {
    // A symbol, a function, a cycle, a hostile proxy: told by name and message alone.
  }
  return JSON.stringify({ $continuum: "Error", value: summary(thrown) });
}

/**
 * Decodes what {@linkcode encodeError} wrote.
 *
 * @param text JSON text.
 * @returns What was thrown: an `Error` with its recorded stack, or the value.
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
