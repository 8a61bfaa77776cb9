/**
 * Which dates can be stored.
 *
 * @module
 */

/** What {@linkcode isStorableDate} accepts, for messages. */
export const STORABLE_DATES = "a Date from 1970 to 9999";

/**
 * Whether a value is a date that databases and run ids can store: from the year 1970 to the year
 * 9999.
 *
 * @param value Anything.
 * @returns Whether it is.
 */
export function isStorableDate(value: unknown): value is Date {
  const ms = value instanceof Date ? value.getTime() : NaN;
  return ms >= 0 && ms < 253_402_300_800_000;
}
