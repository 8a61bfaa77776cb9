/**
 * What a person does first: what empty pages say next.
 *
 * @module
 */

import { type Html, html, NOTHING } from "./html.ts";
import { empty } from "./parts/mod.ts";
import type { View } from "./view.ts";

/** Opens a worker. */
export const OPEN_WORKER: Html = html`<code>continuum worker ./workflows/*.ts</code>`;

/** What stands in place of a choice of workflows. */
export function noWorkflow(): Html {
  return empty(
    "No workflow has a current version yet",
    html`A worker registers the versions of its workflows: ${OPEN_WORKER}`,
  );
}

/**
 * How a run is started: a link for a viewer who may, and the command.
 *
 * @param view Rights and links.
 */
export function startRun(view: View): Html {
  const link = view.may("start")
    ? html`
      <a href="${view.to(["start"])}">Start a run</a>, or:
    `
    : NOTHING;
  return html`${link}<code>continuum start NAME</code>`;
}

/**
 * From an empty database to a first run.
 *
 * @param view Rights and links.
 */
export function firstSteps(view: View): Html {
  return html`
    <ol class="steps">
      <li>Open a worker on your workflows: ${OPEN_WORKER}</li>
      <li>Start a run: ${startRun(view)}</li>
      <li>It appears here by itself, with the line at which it waits.</li>
    </ol>
  `;
}
