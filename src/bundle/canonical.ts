/**
 * Canonical JSON: one text for one value.
 *
 * @module
 */

/** The most levels of nesting. */
const MAX_DEPTH = 200;

/**
 * Writes a JSON value as text without spaces, the keys of each object in the order of their UTF-16
 * units. Equal values have equal texts.
 *
 * @param value A value that `JSON.parse` could have returned; keys with the value `undefined` are
 * omitted.
 * @returns The text.
 * @throws {RangeError} If the value is nested more than 200 levels deep.
 */
export function canonicalJson(value: unknown): string {
  const parts: string[] = [];
  write(value, parts, 0);
  return parts.join("");
}

function write(value: unknown, parts: string[], depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError(`nested more than ${MAX_DEPTH} levels deep`);
  if (typeof value !== "object" || value === null) {
    parts.push(JSON.stringify(value) ?? "null");
    return;
  }
  const isList = Array.isArray(value);
  const entries: [string, unknown][] = isList
    ? value.map((entry) => ["", entry])
    : Object.entries(value).filter(([, entry]) => entry !== undefined);
  if (!isList) entries.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  parts.push(isList ? "[" : "{");
  for (const [index, [key, entry]] of entries.entries()) {
    if (index > 0) parts.push(",");
    if (!isList) parts.push(JSON.stringify(key), ":");
    write(entry, parts, depth + 1);
  }
  parts.push(isList ? "]" : "}");
}
