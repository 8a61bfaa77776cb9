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
import type { Link } from "../links.ts";
import { counted, time } from "../parts/mod.ts";
import type { View } from "../view.ts";

/** Where a run is shown. */
export interface Travel {
  /** After how many events. */
  readonly at: number;
  /** How many there are. */
  readonly events: number;
  /** The last event before that; `null`: none is. */
  readonly event: FoundEntry | null;
  /** Where the run is forked there; `null`: the viewer may not. */
  readonly forkAt: Link | null;
}

/**
 * The slider, and links to the events before and after.
 *
 * @param travel Where the run is shown.
 * @param view Makes links.
 */
export function travelBar(travel: Travel, view: View): Html {
  const { at, events } = travel;
  if (events === 0) return NOTHING;
  const hidden = Object.entries(queryOf(view, ["at"])).flatMap(([name, values]) =>
    values.map((value) => html`<input type="hidden" name="${name}" value="${value}">`)
  );
  const back = [
    step(travel, view, { text: "«", label: "Before the first event", to: 0 }),
    step(travel, view, { text: "‹", label: "One event back", to: at - 1, key: "back" }),
  ];
  const on = [
    step(travel, view, { text: "›", label: "One event on", to: at + 1, key: "on" }),
    step(travel, view, { text: "»", label: "All events", to: events }),
  ];
  return html`
    <form class="travel card" method="get" action="${view.to(view.path)}">
      ${hidden}
      <div class="travel-row">
        <span class="travel-steps" data-slides="back">${back}</span>
        <label class="travel-slider"><span class="unseen">After how many events</span>
          <input type="range" name="at" min="0" max="${events}" value="${at}" data-slider=""></label>
        <span class="travel-steps" data-slides="on">${on}</span>
        <button class="travel-go">Show</button>
      </div>
      <p class="travel-said" data-slides="said" aria-live="polite">${said(travel, view)}</p>
    </form>
  `;
}

/** A link to another event. */
interface Step {
  readonly text: string;
  readonly label: string;
  readonly to: number;
  /** The key that follows it. */
  readonly key?: "back" | "on";
}

function step({ at, events }: Travel, view: View, { text, label, to, key }: Step): Html {
  if (to < 0 || to > events || to === at) {
    return html`<span class="button off" aria-hidden="true">${text}</span>`;
  }
  const link = hereWith(view, { at: to === events ? null : to });
  const [back, on] = [key === "back", key === "on"];
  return html`
    <a class="button" href="${link}" aria-label="${label}" data-back="${back}"
      data-on="${on}">${text}</a>
  `;
}

function said({ at, events, event, forkAt }: Travel, view: View): Content {
  if (at === events) {
    const all = events === 0
      ? "before its first event"
      : `after ${events === 1 ? "its only event" : `all ${counted(events, "event")}`}`;
    return html`<b>Now</b>, ${all}`;
  }
  if (event === null) return html`<b>Before the first event</b> of ${events.toLocaleString("en")}`;
  const { kind, name } = event;
  const of = `of ${events.toLocaleString("en")}: `;
  const fork = forkAt === null ? NOTHING : [" · ", html`<a href="${forkAt}">fork here</a>`];
  return html`<b>After event ${at.toLocaleString("en")}</b> ${of}${named(kind, name)} at ${
    time(view, event.at)
  }${fork}`;
}
