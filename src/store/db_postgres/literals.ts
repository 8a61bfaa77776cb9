/**
 * Statements with their values in place of parameters. The driver sends a statement with parameters
 * in five packets and waits between them, so that over TCP each takes 40 ms at least (Nagle's
 * algorithm, and the server's delayed acknowledgement). One without parameters is one packet.
 *
 * - LITERAL-1: a value is a quoted literal without a type, which Postgres reads as it reads the text
 *   of a parameter. It is read alike whatever `standard_conforming_strings` is.
 * - LITERAL-2: a text that is not certainly understood is left as it is, and so is one with a value
 *   that no literal can hold: the driver then sends parameters.
 *
 * @module
 */

import type { SqlValue } from "../sql/driver.ts";

/** Parts of a text in which nothing is a parameter, and parameters. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?<![\w$])\$(\d+)(?!\w)/g;

/** Strings with escapes or another quoting, and comments, which can be nested. */
const NOT_UNDERSTOOD = /\b[eu]&?'|\$[a-z_]*\$|\/\*|\\/i;

/**
 * Puts the values of a statement in.
 *
 * @param text The statement, whose parameters are numbered.
 * @param values Its values.
 * @returns The statement without parameters; `undefined` if it can't be made (LITERAL-2).
 */
export function withLiterals(text: string, values: readonly unknown[]): string | undefined {
  if (values.length === 0) return text;
  if (NOT_UNDERSTOOD.test(text) || !values.every(isPlain)) return undefined;
  let isComplete = true;
  const filled = text.replace(TOKEN, (token, position?: string) => {
    if (position === undefined) return token;
    const index = Number(position) - 1;
    if (!(index in values)) isComplete = false;
    return literalOf(values[index] as SqlValue);
  });
  return isComplete ? filled : undefined;
}

/** Whether a literal can hold a value: a character that ends a text for the server can't be in one. */
function isPlain(value: unknown): value is SqlValue {
  if (typeof value === "string") return !value.includes("\0");
  return value === null || typeof value === "number" || typeof value === "boolean" ||
    value instanceof Uint8Array;
}

/** LITERAL-1 */
function literalOf(value: SqlValue): string {
  if (value === null) return "null";
  if (value instanceof Uint8Array) return ` E'\\\\x${value.toHex()}'`;
  const quoted = `'${String(value).replaceAll("'", "''")}'`;
  return quoted.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}
