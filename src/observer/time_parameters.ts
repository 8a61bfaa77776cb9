/**
 * Times in addresses and forms, and the time zone of those that name none.
 *
 * - TIME-1: an address means the same time to everyone. A time without a zone is in that of the
 *   parameter `zone`, which a form adds for a viewer with another zone than UTC, and never in a zone
 *   that only the viewer's cookies name.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import type { Parameter } from "./parameter.ts";

/** The zone of times that name none, unless the address has another. */
export const UTC = "UTC";

/**
 * The name of a time zone, as this runtime writes it.
 *
 * @param text The name.
 * @returns `null`: the runtime knows no such zone.
 */
export function zoneOf(text: string): string | null {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** The zone of times that name none. */
export const ZONE: Parameter<string> = {
  name: "zone",
  many: false,
  read: (text, what) =>
    zoneOf(text) ?? refuse(what, text, "the name of a time zone, such as Europe/Berlin"),
};

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** A date, and a time of it, as ISO or a page writes them. */
const WRITTEN =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2}| UTC)?)?$/;

/**
 * A time: as ISO or a page writes it, or how long ago it was, such as `2h` (TIME-1).
 *
 * @param name The name.
 */
export function timeParameter(name: string): Parameter<Date> {
  return {
    name,
    many: false,
    read(text, what, zone) {
      const [, count, unit] = /^(\d{1,6})\s*([smhd])$/.exec(text) ?? [];
      if (count !== undefined) return new Date(Date.now() - Number(count) * UNITS[unit!]!);
      const date = instantOf(text, zone);
      return date !== null && date.getTime() >= 0
        ? date
        : refuse(what, text, "a time such as 2h, 2026-01-31 or 2026-01-31T12:00");
    },
  };
}

/** `null`: there is no such day or time. */
function instantOf(text: string, zone: string): Date | null {
  const [, day, time = "00:00", named] = WRITTEN.exec(text) ?? [];
  if (day === undefined) return null;
  try {
    const at = Temporal.PlainDateTime.from(`${day}T${time}`, { overflow: "reject" });
    const offset = named === undefined ? zone : named === "Z" || named === " UTC" ? UTC : named;
    return new Date(at.toZonedDateTime(offset).epochMilliseconds);
  } catch {
    return null;
  }
}
