/**
 * The page that shows a plan and asks for consent.
 *
 * @module
 */

import type { ShownError } from "./errors.ts";
import type { Fields } from "./fields.ts";
import { html, NOTHING } from "./html.ts";
import { note } from "./parts/mod.ts";
import type { Confirmation, Page } from "./route.ts";
import type { View } from "./view.ts";

/** What the page needs besides the plan. */
interface Asking {
  readonly view: View;
  /** The tag of the plan (ACTION-1). */
  readonly tag: string;
  readonly fields: Fields;
  /** Why the last try failed; `null`: there was none. */
  readonly error: ShownError | null;
  readonly needsReason: boolean;
}

/**
 * Makes the page.
 *
 * @param confirmation The plan, rendered.
 * @param asking What else the page needs.
 */
export function confirmPage(
  { body, button, grave = false, nothing = false, unfinished = false, back, ...page }: Confirmation,
  { view, tag, fields, error, needsReason }: Asking,
): Page {
  const failed = error === null ? NOTHING : html`
    <div role="alert">${note(
      "bad",
      html`
        <p>${error.message}</p>
        <p class="hint">${error.next}</p>
      `,
    )}</div>
  `;
  const cancel = html`<a class="button" href="${back}">Back</a>`;
  const here = view.to(view.path);
  if (nothing) return { ...page, body: html`${failed}${body}<p class="buttons">${cancel}</p>` };
  const reason = html`
    <label class="field"><span>Reason${needsReason ? "" : " (optional)"}</span>
      <input name="reason" maxlength="500" autocomplete="off" required="${needsReason}" value="${fields
        .text("reason")}"></label>
    <input type="hidden" name="seen" value="${tag}">
  `;
  return {
    ...page,
    body: html`
      ${failed}<form class="deed" action="${here}" method="${unfinished ? "get" : "post"}">
        ${body}${unfinished ? NOTHING : reason}
        <p class="buttons"><button class="${grave
          ? "grave"
          : "primary"}">${button}</button>${cancel}</p>
      </form>
    `,
  };
}
