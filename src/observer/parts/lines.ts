/**
 * Lines of pinned source around a place.
 *
 * @module
 */

import { type Html, html } from "../html.ts";

/** A place in a module. */
export interface Site {
  /** The module's label; `null`: only its URL is known. */
  readonly member: string | null;
  /** Its URL. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/**
 * A place in one word: `lib/approve.ts:31`.
 *
 * @param site The place.
 */
export function siteText({ member, file, line }: Site): string {
  return `${(member ?? file).replace(/^\.\//, "")}:${line}`;
}

/**
 * Lines of source, the one that is meant marked.
 *
 * @param site The place.
 * @param lines The lines.
 */
export function lines(
  site: Site,
  lines: readonly { readonly number: number; readonly text: string }[],
): Html {
  return html`
    <pre class="code" tabindex="0">${lines.map(({ number, text }) => {
      const isHere = number === site.line;
      return html`
        <span
          class="line${isHere
            ? " here"
            : ""}"><span class="line-number">${number}</span><span class="text">${text}
        </span></span>
      `;
    })}</pre>
  `;
}
