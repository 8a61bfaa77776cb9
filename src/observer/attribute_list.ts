/**
 * Attributes of runs.
 *
 * @module
 */

import type { Json } from "../operate/plain.ts";
import { type Html, html, NOTHING } from "./html.ts";
import { valueBlock } from "./parts/mod.ts";
import { isRedacted } from "./redaction.ts";

/**
 * The attributes of a run, or what stands in their place.
 *
 * @param attributes Their values by their names.
 */
export function attributeList(attributes: Readonly<Record<string, unknown>>): Html {
  const value = attributes as Json; // they are plain JSON
  if (isRedacted(value)) return valueBlock(value);
  const entries = Object.entries(attributes).sort(([a], [b]) => a < b ? -1 : 1);
  if (entries.length === 0) return NOTHING;
  return html`
    <ul class="attributes">${entries.map(([name, value]) =>
      html`<li class="chip"><b>${name}</b> ${JSON.stringify(value)}</li>`
    )}</ul>
  `;
}
