/**
 * Headers: short texts that travel from a start to everything that follows from it. They are part
 * of the terms of a start, and stored with them as plain text.
 *
 * @module
 */

import { checkKeys, checkText, refuse, refuseUnless } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { isStorable } from "../base/text.ts";

/**
 * Texts by name, such as a tenant, a user or a correlation id.
 *
 * @category Runs
 */
export interface RunHeaders {
  /** The text of each. */
  readonly [name: string]: string;
}

/** No headers. */
export const NO_HEADERS: RunHeaders = Object.freeze({});

const MAX_NAME = 100;
/** The most characters of all names and texts together. */
const MAX_TEXT = 8_192;

/**
 * Checks headers.
 *
 * @param headers What the caller passed.
 * @param what The owner of the option, for errors.
 * @returns A copy.
 * @throws {InvalidArgumentError} If they are no texts by name, or too long.
 */
export function readHeaders(headers: unknown, what: string): RunHeaders {
  const argument = `option headers of ${what}`;
  const keys = typeof headers === "object" && headers !== null ? Object.keys(headers) : [];
  checkKeys(headers, keys, argument);
  const read: Record<string, string> = {};
  let length = 0;
  for (const name of keys) {
    checkText(name, `a name in ${argument}`, MAX_NAME);
    const text = (headers as Record<string, unknown>)[name];
    if (typeof text !== "string" || !isStorable(text)) {
      refuse(`${argument}.${name}`, text, "a text, without NUL and lone surrogates");
    }
    length += name.length + text.length;
    Object.defineProperty(read, name, { value: text, enumerable: true });
  }
  refuseUnless(
    length <= MAX_TEXT,
    argument,
    inWords(`${length} characters`),
    `at most ${MAX_TEXT} characters, names included`,
  );
  return Object.freeze(read);
}
