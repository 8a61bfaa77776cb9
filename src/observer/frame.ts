/**
 * The frame of every page: head, menu, title, and what stands around its content.
 *
 * @module
 */

import { RELEASE } from "../base/release.ts";
import { NAMESPACES } from "../operate/readings/api.ts";
import { ASSETS } from "./assets.ts";
import { type Content, type Html, html, NOTHING } from "./html.ts";
import { linksFrom } from "./links.ts";
import { MENU } from "./navigation.ts";
import { copyButton, note } from "./parts/mod.ts";
import type { Page } from "./route.ts";
import type { View } from "./view.ts";

/** What the frame shows besides the page. */
export interface FrameOptions {
  /** After how many seconds a browser looks again; `null`: never. */
  readonly live: number | null;
  /** What the action before said; `null`: nothing. */
  readonly said: string | null;
  /** What is wrong with all of the page, such as that it is old; nothing when omitted. */
  readonly warning?: Html;
}

/**
 * Puts a page into its frame.
 *
 * @param page The page.
 * @param view Links, rights and choices.
 * @param options What else is shown.
 * @returns The document.
 */
export function frame(page: Page, view: View, { live, said, warning }: FrameOptions): Html {
  const { title, isId = false, body, aside = null, trail = [] } = page;
  return html`
    <!doctype html>
    <html lang="en" data-theme="${view.theme}">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="${view.theme ?? "light dark"}">
        <title>${title} · Continuum</title>
        <link rel="icon" href="${view.to(["assets", ASSETS.icon])}" type="image/svg+xml">
        <link rel="stylesheet" href="${view.to(["assets", ASSETS.styles])}">
        <script src="${view.to(["assets", ASSETS.script])}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="side">
    <div class="brand"><a href="${view.to([])}">${logo()}<span>Continuum</span></a>
    ${view.isReadOnly ? html`<span class="chip">read only</span>` : NOTHING}</div>
    ${switcher(view)}${search(view)}
    <nav aria-label="Main"><ul>${MENU.map((entry) => menuItem(entry, view))}</ul></nav>
        </header>
        <main id="main" data-live="${live}">
    <div class="page-head" data-part="head">${trailOf(trail)}
    <div class="title"><div class="named"><h1 id="title">${title}</h1>${isId
      ? copyButton("title")
      : NOTHING}</div><div class="aside">${aside}</div></div></div>
    <p class="status" role="status" data-status="" hidden></p>
    ${said === null ? NOTHING : html`<div role="status">${note("good", said)}</div>`}
    <div class="content" data-part="content">${warning === undefined
      ? NOTHING
      : note("bad", warning)}${body}</div>
        </main>
        ${foot(view)}
      </body>
    </html>
  `;
}

function menuItem({ text, segment, key }: typeof MENU[number], view: View): Html {
  const [first = ""] = view.path;
  const isHere = first === segment;
  const path = segment === "" ? [] : [segment];
  return html`
    <li><a href="${view.to(path)}" aria-current="${isHere
      ? "page"
      : null}" data-key="${key}">${text}</a></li>
  `;
}

/** Which namespace is shown; a link to the others, if there may be any. */
function switcher({ namespace, hasOthers, to, path, by }: View): Html {
  if (by === "" && !hasOthers) return NOTHING;
  const name = html`<span class="hint">Namespace</span> <b>${namespace}</b>`;
  return hasOthers
    ? html`<a class="namespace" href="${to([NAMESPACES])}" aria-current="${
      path[0] === NAMESPACES ? "page" : null
    }">${name}</a>`
    : html`<p class="namespace">${name}</p>`;
}

function search(view: View): Html {
  if (!view.may("read")) return NOTHING;
  return html`
    <form class="search" action="${view.to(["runs"])}" method="get" role="search">
      <input type="hidden" name="state" value="any">
      <input name="id" type="search" placeholder="Find a run by its id"
        aria-label="Find a run by its id"
        autocomplete="off" spellcheck="false" data-search="" value="${view.query.get("id")}">
    </form>
  `;
}

const THEMES = [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]] as const;

function foot(view: View): Html {
  const theme = view.theme ?? "auto";
  const query = view.query.toString();
  // Below the observer, wherever it is mounted: `/preferences` takes no other way back.
  const back = `${linksFrom("./")(view.path.filter((text) => text !== ""))}`.slice("./".length);
  return html`
    <footer class="foot">
      <form class="themes" action="${view.to(["preferences"])}" method="post" aria-label="Colours">
        <input type="hidden" name="back" value="${back}${query === "" ? "" : `?${query}`}">
        ${THEMES.map(([value, text]) =>
          html`<button name="theme" value="${value}" aria-pressed="${
            String(theme === value)
          }">${text}</button>`
        )}
      </form>
      <p class="who">${view.by === ""
        ? NOTHING
        : html`<span>${view.by}</span>`}<span>Continuum ${RELEASE}</span></p>
      <p class="who links"><a href="${view.to(["preferences"])}" title="Preferences">${view
        .zone}</a>
        <a href="${view.to(["preferences"], {}, "keys")}" data-help="">Keys</a></p>
    </footer>
  `;
}

function trailOf(trail: NonNullable<Page["trail"]>): Content {
  if (trail.length === 0) return NOTHING;
  return html`
    <nav class="trail" aria-label="Where this is">
      <ol>${trail.map(({ text, to }) => html`<li><a href="${to}">${text}</a></li>`)}</ol>
    </nav>
  `;
}

function logo(): Html {
  return html`
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <path d="M3 12c3-8 6-8 9 0s6 8 9 0" fill="none" stroke="currentColor" stroke-width="2.5"
        stroke-linecap="round" />
      <circle cx="12" cy="12" r="2.6" fill="currentColor" />
    </svg>
  `;
}
