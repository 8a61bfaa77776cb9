/**
 * Time travel: chooses after which event a run is shown. Each event is a link, so it works without
 * the script, which makes the slider move the page.
 *
 * @module
 */

import type { FoundEntry } from "../../operate/history.ts";
import { named } from "../effect_words.ts";
import { hereWith, queryOf } from "../here.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import { time } from "../parts/mod.ts";
import type { View } from "../view.ts";

/** Where a run is shown. */
export interface Travel {
  /** After how many events. */
  readonly at: number;
  /** How many there are. */
  readonly events: number;
  /** The last event before that; `null`: none is. */
  readonly event: FoundEntry | null;
}

/**
 * The slider, and links to the events before and after.
 *
 * @param travel Where the run is shown.
 * @param view Makes links.
 */
export function travelBar({ at, events, event }: Travel, view: View): Html {
  if (events === 0) return NOTHING;
  const step = (text: string, label: string, to: number, role: Record<string, Content> = {}) =>
    to < 0 || to > events || to === at
      ? html`<span class="button off" aria-hidden="true">${text}</span>`
      : html`
        <a class="button" href="${hereWith(view, { at: to === events ? null : to })}"
          aria-label="${label}" title="${label}" data-back="${role["back"]}"
          data-on="${role["on"]}">${text}</a>
      `;
  const hidden = Object.entries(queryOf(view, ["at"])).flatMap(([name, values]) =>
    values.map((value) => html`<input type="hidden" name="${name}" value="${value}">`)
  );
  return html`
    <form class="travel card" method="get" action="${view.to(view.path)}">
      ${hidden}
      <div class="travel-row">
        <span class="steps">${step("«", "Before the first event", 0)}${step(
          "‹",
          "One event back",
          at - 1,
          { back: "" },
        )}</span>
        <label class="travel-slider"><span class="unseen">After how many events</span>
          <input type="range" name="at" min="0" max="${events}" value="${at}" data-slider=""></label>
        <span class="steps">${step("›", "One event on", at + 1, { on: "" })}${step(
          "»",
          "All events",
          events,
        )}</span>
        <button class="travel-go">Show</button>
      </div>
      <p class="travel-said" data-slides="said" aria-live="polite">${said(
        { at, events, event },
        view,
      )}</p>
    </form>
  `;
}

function said({ at, events, event }: Travel, view: View): Content {
  if (at === events) {
    return html`<b>Now</b>, after all ${events.toLocaleString("en")} events`;
  }
  if (event === null) return html`<b>Before the first event</b> of ${events.toLocaleString("en")}`;
  const { kind, name } = event;
  const of = `of ${events.toLocaleString("en")}: `;
  return html`<b>After event ${at.toLocaleString("en")}</b> ${of}${named(kind, name)} at ${
    time(view, event.at)
  }`;
}
