/**
 * A field that makes a form that is sent twice act once: a second click, or a repeated request.
 *
 * @module
 */

import type { Fields } from "./fields.ts";
import { type Html, html } from "./html.ts";

/**
 * Makes the field. Each page gets a key of its own; one that is shown again after an error keeps it,
 * since the deed may have been done.
 *
 * @param name The field that the deed takes its key from.
 * @param fields What was entered so far.
 */
export function onceField(name: string, fields: Fields): Html {
  const key = fields.text(name) ?? crypto.randomUUID();
  return html`<input type="hidden" name="${name}" value="${key}" autocomplete="off">`;
}
