/**
 * Effects and places in words.
 *
 * @module
 */

import { type Html, html, NOTHING } from "./html.ts";

/**
 * The kind and the name of an effect or an event.
 *
 * @param kind Its kind.
 * @param name Its name; "": none.
 */
export function named(kind: string, name: string): Html {
  return html`${kind}${name === "" ? NOTHING : [" ", html`<q>${name}</q>`]}`;
}
