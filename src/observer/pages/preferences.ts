/**
 * `/preferences`: colours and the time zone, and which keys there are.
 *
 * @module
 */

import { type Html, html } from "../html.ts";
import { MENU } from "../navigation.ts";
import { facts, section } from "../parts/mod.ts";
import { definePage } from "../route.ts";

/** The page. */
export const preferences = definePage({
  path: "/preferences",
  rights: ["read"],
  load: () => Promise.resolve({ zones: Intl.supportedValuesOf("timeZone") }),
  page: ({ zones }, view) => ({
    title: "Preferences",
    body: html`
      <form class="deed" action="${view.to(["preferences"])}" method="post">
        <label class="field"><span>Times are shown in</span>
          <input name="zone" list="zones" value="${view
            .zone}" data-zone="" autocomplete="off"></label>
        <p
          class="only-scripted"><button class="button" type="button" data-own-zone="">Use the zone of this browser</button></p>
        <datalist id="zones">${zones.map((zone) =>
          html`<option value="${zone}"></option>`
        )}</datalist>
        <label class="field"><span>Colours</span><select name="theme">
          ${["auto", "light", "dark"].map((theme) =>
            html`<option value="${theme}" selected="${
              theme === (view.theme ?? "auto")
            }">${theme}</option>`
          )}</select></label>
        <input type="hidden" name="back" value="preferences">
        <p class="buttons"><button class="primary">Keep</button></p>
        <p class="hint">Both are kept in cookies of this browser.</p>
      </form>
      <div id="keys">${section("Keys", keys())}</div>
    `,
  }),
});

/** What the script does by keys. */
const KEYS: readonly { readonly keys: readonly string[]; readonly does: string }[] = [
  { keys: ["/"], does: "Find a run by its id" },
  { keys: ["j"], does: "The next row of the page" },
  { keys: ["k"], does: "The row before" },
  { keys: ["o"], does: "Open the row" },
  { keys: ["x"], does: "Choose the row" },
  { keys: ["["], does: "On a timeline: one event back" },
  { keys: ["]"], does: "On a timeline: one event on" },
  ...MENU.map(({ text, key }) => ({ keys: ["g", key], does: text })),
  { keys: ["?"], does: "This list" },
];

function keys(): Html {
  const shown = KEYS.map(({ keys, does }) =>
    [does, keys.map((key) => html`<kbd>${key}</kbd>${" "}`)] as const
  );
  return html`<div class="card">${facts(shown)}</div>`;
}
