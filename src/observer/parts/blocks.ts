/**
 * Blocks of pages: sections, facts, notes, empty states.
 *
 * - EMPTY-1: what stands in place of an empty list says what there is none of, and what a person can
 *   do next: a link, or a command.
 *
 * @module
 */

import { type Content, type Html, html } from "../html.ts";
import type { Tone } from "./states.ts";
import { mark } from "./states.ts";

/**
 * A section with a heading.
 *
 * @param title The heading.
 * @param body Its content.
 * @param aside What stands at the side of the heading.
 */
export function section(title: string, body: Content, aside: Content = null): Html {
  return html`
    <section
      class="block"><div class="block-head"><h2>${title}</h2>${aside}</div>${body}</section>
  `;
}

/**
 * A list of facts: names and values.
 *
 * @param facts The names and values; those that are `null` are left out.
 */
export function facts(facts: readonly (readonly [name: string, value: Content])[]): Html {
  const shown = facts.filter(([, value]) => value !== null);
  return html`
    <dl class="facts">${shown.map(([name, value]) =>
      html`
        <div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>
      `
    )}</dl>
  `;
}

/**
 * A button that copies a text of the page; it is hidden where no script runs.
 *
 * @param id The id of the element that has the text.
 */
export function copyButton(id: string): Html {
  return html`<button class="copy" type="button" data-copy="${id}">Copy</button>`;
}

/**
 * A note that has to be read.
 *
 * @param tone Its colour.
 * @param body What it says.
 */
export function note(tone: Tone, body: Content): Html {
  const shape = tone === "good" ? "check" : tone === "bad" || tone === "warn" ? "alert" : "ring";
  return html`<div class="note ${tone}">${mark(shape)}<div>${body}</div></div>`;
}

/**
 * What stands in place of a part that was not read in time (PART-1).
 *
 * @param missing Why.
 */
export function missingNote({ message }: { readonly message: string }): Html {
  return note(
    "warn",
    html`
      <p>This could not be read in time; what else is here could.</p>
      <p class="hint">${message}</p>
    `,
  );
}

/**
 * What stands in place of an empty list (EMPTY-1).
 *
 * @param title What there is none of.
 * @param next What a person can do next.
 */
export function empty(title: string, next: Html): Html {
  return html`
    <div class="empty">
      <p class="strong">${title}</p>
      <div>${next}</div>
    </div>
  `;
}
