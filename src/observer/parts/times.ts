/**
 * Times and spans, as people read them.
 *
 * @module
 */

import { type Html, html, NOTHING } from "../html.ts";
import type { View } from "../view.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A span in one unit: `3s`, `4m`, `2h`, `9d`.
 *
 * @param ms Its length in milliseconds.
 */
export function span(ms: number): string {
  const length = Math.abs(ms);
  if (length < SECOND) return `${Math.round(length)}ms`;
  if (length < MINUTE) return `${Math.floor(length / SECOND)}s`;
  if (length < HOUR) return `${Math.floor(length / MINUTE)}m`;
  if (length < 2 * DAY) return `${Math.floor(length / HOUR)}h`;
  return `${Math.floor(length / DAY)}d`;
}

/**
 * A time as it lies before or after now, with the whole time as its title. The script keeps it true.
 *
 * @param view Which time it is, and the zone.
 * @param iso The time; `null`: nothing.
 */
export function ago(view: View, iso: string | null): Html {
  if (iso === null) return NOTHING;
  const ms = view.now.getTime() - Date.parse(iso);
  const text = ms >= 0 ? `${span(ms)} ago` : `in ${span(ms)}`;
  return html`<time datetime="${iso}" title="${absolute(view, iso)}" data-ago="">${text}</time>`;
}

/**
 * A time, written out in the zone of the viewer.
 *
 * @param view The zone.
 * @param iso The time; `null`: nothing.
 */
export function time(view: View, iso: string | null): Html {
  if (iso === null) return NOTHING;
  return html`<time datetime="${iso}" title="${iso}">${absolute(view, iso)}</time>`;
}

/**
 * A time in the zone of the viewer: `2026-11-29 20:14:05 UTC`.
 *
 * @param view The zone.
 * @param iso The time.
 */
export function absolute({ zone }: Pick<View, "zone">, iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  if (zone === "UTC") return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
  });
  const name = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "short" })
    .formatToParts(date).find(({ type }) => type === "timeZoneName")?.value ?? zone;
  return `${format.format(date)} ${name}`;
}
