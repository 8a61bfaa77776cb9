/**
 * What was thrown, as the journal keeps it. Unlike a value, a failure is always recordable.
 *
 * @module
 */

import { encodeTagged } from "./values_tagged.ts";
import { decode } from "./values.ts";

/** The longest text that {@linkcode encodeError} writes, in characters. */
export const MAX_FAILURE = 65_536;

const MAX_TEXT = 8_192;

/**
 * Encodes anything that was thrown; errors, also causes, with their stacks. Never throws: what cannot be
 * written, or is longer than {@linkcode MAX_FAILURE}, is cut down to name, message and stack.
 *
 * @param thrown What was thrown.
 * @returns JSON text, at most {@linkcode MAX_FAILURE} characters.
 */
export function encodeError(thrown: unknown): string {
  try {
    const text = JSON.stringify(encodeTagged(thrown, "error", MAX_TEXT));
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
  if (typeof thrown === "object" && thrown !== null) {
    const { name, message, stack } = thrown as Record<string, unknown>;
    const text = (read: () => unknown, otherwise: string): string => cut(textOf(read) || otherwise);
    try {
      return {
        name: text(() => name, "Error"),
        message: text(() => message, "A thrown value cannot be serialised"),
        stack: text(() => stack, ""),
      };
    } catch {
      return { name: "Error", message: "A thrown value cannot be serialised" };
    }
  }
  return { name: "Error", message: cut(`A thrown value cannot be serialised: ${String(thrown)}`) };
}

function textOf(read: () => unknown): string {
  try {
    const text = read();
    return typeof text === "string" ? text : "";
  } catch {
    return "";
  }
}

/** JSON writes a control character as six, so a text of 8 Ki grows to 48 Ki at most. */
function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)} [cut]`;
}
