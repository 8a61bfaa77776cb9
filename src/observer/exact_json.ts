/**
 * JSON that people enter.
 *
 * @module
 */

import type { Json } from "../operate/plain.ts";

/**
 * Reads JSON, and refuses what it would change: a whole number with more digits than a number of
 * JavaScript holds.
 *
 * @param text The text.
 * @returns The value.
 * @throws {SyntaxError} If the text is no JSON, or such a number is in it.
 */
export function exactJson(text: string): Json {
  const check = (_: string, value: unknown, { source }: { readonly source?: string } = {}) => {
    const isWhole = typeof value === "number" && source !== undefined && /^-?\d+$/.test(source);
    if (isWhole && !(Number.isFinite(value) && BigInt(source) === BigInt(value))) {
      throw new SyntaxError(`The number ${source} would be rounded: pass it as a text`);
    }
    return value;
  };
  return JSON.parse(text, check as (key: string, value: unknown) => unknown);
}
