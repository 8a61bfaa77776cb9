/**
 * The page of an error.
 *
 * @module
 */

import type { ShownError } from "../errors.ts";
import { html, NOTHING } from "../html.ts";
import { note } from "../parts/mod.ts";
import type { Page } from "../route.ts";
import type { View } from "../view.ts";

const TITLES: Readonly<Record<number, string>> = {
  401: "Who are you?",
  403: "Not allowed",
  404: "Not found",
  409: "Not possible now",
  503: "Not available",
};

/**
 * Makes the page.
 *
 * @param error The error.
 * @param view Links and rights.
 */
export function errorPage({ status, code, message, next }: ShownError, view: View): Page {
  const home = view.may("read")
    ? html`<p class="buttons"><a class="button" href="${view.to([])}">Overview</a></p>`
    : NOTHING;
  return {
    title: TITLES[status] ?? "This did not work",
    body: html`
      ${note(
        status < 500 ? "warn" : "bad",
        html`
          <p>${message}</p>
          <p class="hint">${next}</p>
        `,
      )}
      <p class="hint">Code <code>${code}</code></p>${home}
    `,
  };
}
