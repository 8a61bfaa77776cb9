/**
 * What the pages of a version share: the title, what can be done with it, and tabs.
 *
 * @module
 */

import type { VersionDetails } from "../operate/versions.ts";
import { type Html, html, NOTHING } from "./html.ts";
import type { Page } from "./route.ts";
import type { View } from "./view.ts";

/**
 * A page of a version.
 *
 * @param version The version.
 * @param segment The last segment of the page's path; "": the first page.
 * @param view Links and rights.
 * @param body The content under the tabs.
 */
export function versionPage(
  { hash, workflow, label, current, state, denied }: VersionDetails,
  segment: string,
  view: View,
  body: Html,
): Page {
  const may = view.may("source");
  const compare = may && !current
    ? html`<a class="button" href="${
      view.to(["versions", "diff"], { a: hash, b: "current" })
    }">Compare with the current one</a>`
    : NOTHING;
  const move = view.may("upgrade") && state !== "unused" && !current
    ? html`<a class="button" href="${
      view.to(["upgrade"], { version: hash, workflow })
    }">Move its runs</a>`
    : NOTHING;
  const act = (text: string, segment: string, isGrave = false) =>
    html`<a class="button${isGrave ? " danger" : ""}" href="${
      view.to(["versions", hash, segment])
    }">${text}</a>`;
  const acts = !view.may("versions")
    ? NOTHING
    : denied !== null
    ? act("Allow again", "allow")
    : html`${current ? NOTHING : act("Make current", "activate")}${act("Deny", "deny", true)}`;
  const tab = (text: string, to: string) => {
    const path = to === "" ? ["versions", hash] : ["versions", hash, to];
    return html`<li><a href="${view.to(path)}" aria-current="${
      to === segment ? "page" : null
    }">${text}</a></li>`;
  };
  return {
    title: `${workflow} ${hash.slice(0, 12)}`,
    trail: [{ text: "Versions", to: view.to(["versions"]) }],
    aside: html`${current ? html`<span class="chip good">current</span>` : NOTHING}${
      label === null ? NOTHING : html`<span class="chip">${label}</span>`
    }${compare}${move}${acts}`,
    body: html`${
      may
        ? html`
          <nav class="tabs" aria-label="The version">
            <ul>${tab("About", "")}${tab("Source", "source")}${tab("Patches", "patches")}</ul>
          </nav>
        `
        : NOTHING
    }${body}`,
  };
}
