/**
 * Values as the store reads them, from the texts that Postgres sends.
 *
 * @module
 */

import { hexBytes } from "../../base/bytes.ts";

type Parser = (text: string) => unknown;

const asIs: Parser = (text) => text;

const toDate: Parser = (text) => new Date(text);

/** Parsers by the oid of the type. Values of other types stay text, as Postgres writes them. */
const PARSERS = new Map<number, Parser>([
  [16, (text) => text === "t"],
  [17, bytes],
  [20, Number],
  [21, Number],
  [23, Number],
  [26, Number],
  [700, Number],
  [701, Number],
  [114, JSON.parse],
  [3802, JSON.parse],
  [1082, toDate],
  [1114, toDate],
  [1184, toDate],
]);

/**
 * Finds the parser of a type.
 *
 * @param type The oid of the type.
 * @returns The function that parses a value's text.
 */
export function parserOf(type: number): Parser {
  return PARSERS.get(type) ?? asIs;
}

/** Parses bytes in both formats of `bytea_output`. */
function bytes(text: string): Uint8Array {
  if (text.startsWith("\\x")) return hexBytes(text.slice(2));
  const found: number[] = [];
  for (const [match, octal] of text.matchAll(/\\(\d{3})|\\\\|[^\\]/g)) {
    found.push(octal === undefined ? match.charCodeAt(0) : parseInt(octal, 8));
  }
  return Uint8Array.from(found);
}
