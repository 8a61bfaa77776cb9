/**
 * The field by which a form of times says their zone (TIME-1).
 *
 * @module
 */

import { type Html, html, NOTHING } from "./html.ts";
import { UTC, ZONE, zoneOf } from "./time_parameters.ts";
import type { View } from "./view.ts";

/**
 * The zone of the times that a form has or will have: that of its address, or of its viewer.
 *
 * @param view The address, and the viewer's zone.
 */
export function zoneOfForm({ query, zone }: Pick<View, "query" | "zone">): string {
  return zoneOf(query.get(ZONE.name) || zone) ?? UTC;
}

/**
 * The field; there is none for UTC.
 *
 * @param view The address, and the viewer's zone.
 */
export function zoneField(view: View): Html {
  const zone = zoneOfForm(view);
  return zone === UTC ? NOTHING : html`<input type="hidden" name="${ZONE.name}" value="${zone}">`;
}
