/**
 * What all pages of a run have above their content: actions and tabs.
 *
 * @module
 */

import type { RunDetails } from "../operate/runs.ts";
import { type Content, type Html, html, NOTHING } from "./html.ts";
import type { View } from "./view.ts";

/** The pages of a run; a page that is added has a line here. */
const TABS: readonly { readonly text: string; readonly segment: string }[] = [
  { text: "Overview", segment: "" },
];

/**
 * The tabs of a run.
 *
 * @param id The run.
 * @param here The segment of the page that is shown; "": the first.
 * @param view Makes links.
 */
export function runTabs(id: string, here: string, view: View): Html {
  if (TABS.length === 1) return NOTHING;
  return html`
    <nav class="tabs" aria-label="The run">
      <ul>${TABS.map(({ text, segment }) => {
        const to = view.to(segment === "" ? ["runs", id] : ["runs", id, segment]);
        return html`<li><a href="${to}" aria-current="${
          segment === here ? "page" : null
        }">${text}</a></li>`;
      })}</ul>
    </nav>
  `;
}

/**
 * The actions that a viewer may take on a run.
 *
 * @param run The run.
 * @param view Rights and links.
 */
export function runActions(_run: RunDetails, _view: View): Content {
  return NOTHING;
}
