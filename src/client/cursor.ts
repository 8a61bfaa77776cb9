/**
 * Cursors of pages: where a page ended, bound to the query that it belongs to.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { inWords } from "../base/describe.ts";
import { digestText } from "../base/digest.ts";

/** The key of a page's last row. */
export type Place = readonly (string | number | null)[];

const MAX_CURSOR = 250;

/** The last millisecond that a date can name. */
const MAX_TIME = 8.64e15;

/**
 * Writes a cursor. Its digest binds it to its query: it guards against mistakes and contains no
 * secret.
 *
 * @param place The key of the last row of the page.
 * @param tie The query, as a text.
 * @returns The cursor.
 */
export function writeCursor(place: Place, tie: string): string {
  return btoa(JSON.stringify([...place, digestText(`${tie}\n${JSON.stringify(place)}`)]))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * Reads a cursor. Every caller can compute its digest, so the place is checked, too.
 *
 * @param cursor What was passed.
 * @param tie The query, as a text.
 * @param call The call, for errors.
 * @param isPlace Whether a row can have this key.
 * @returns The key.
 * @throws {InvalidArgumentError} (`INVALID_CURSOR`) If it does not belong to this query.
 */
export function readCursor<Key extends Place>(
  cursor: unknown,
  tie: string,
  call: string,
  isPlace: (place: Place) => place is Key,
): Key {
  if (typeof cursor !== "string" || cursor.length > MAX_CURSOR) refuseCursor(cursor, call);
  let read: unknown;
  try {
    read = JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    refuseCursor(cursor, call);
  }
  const place = Array.isArray(read) ? read.slice(0, -1) : [];
  const digest = Array.isArray(read) ? read.at(-1) : undefined;
  if (!isPlace(place) || digest !== digestText(`${tie}\n${JSON.stringify(place)}`)) {
    refuseCursor(cursor, call);
  }
  return place;
}

/**
 * Whether a value of a cursor is a time that a row can have.
 *
 * @param value The value.
 * @returns Whether it is milliseconds since the epoch.
 */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TIME;
}

function refuseCursor(cursor: unknown, call: string): never {
  const isLong = typeof cursor === "string" && cursor.length > MAX_CURSOR;
  return refuse(
    `the cursor of ${call}`,
    isLong ? inWords(`a text of ${cursor.length} characters`) : cursor,
    "the one that a page of the same query gave",
    "INVALID_CURSOR",
  );
}
