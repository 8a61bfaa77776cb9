/**
 * `/preferences`: colours and the time zone.
 *
 * @module
 */

import { html } from "../html.ts";
import { definePage } from "../route.ts";

/** The page. */
export const preferences = definePage({
  path: "/preferences",
  rights: ["read"],
  everywhere: true,
  load: () => Promise.resolve({ zones: Intl.supportedValuesOf("timeZone") }),
  page: ({ zones }, view) => ({
    title: "Preferences",
    body: html`
      <form class="deed" action="${view.to(["preferences"])}" method="post">
        <label class="field"><span>Times are shown in</span>
          <input name="zone" list="zones" value="${view
            .zone}" data-zone="" autocomplete="off"></label>
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
    `,
  }),
});
