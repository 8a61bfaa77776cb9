/**
 * What all pages of a run have above their content: actions and tabs.
 *
 * @module
 */

import type { RunDetails } from "../operate/runs.ts";
import { type Content, type Html, html, NOTHING } from "./html.ts";
import type { Right } from "./rights.ts";
import type { View } from "./view.ts";

/** The pages of a run; a page that is added has a line here. */
const TABS: readonly { readonly text: string; readonly segment: string }[] = [
  { text: "Overview", segment: "" },
  { text: "Timeline", segment: "timeline" },
  { text: "History", segment: "history" },
  { text: "Source", segment: "source" },
  { text: "Tree", segment: "tree" },
];

/**
 * The tabs of a run.
 *
 * @param id The run.
 * @param here The segment of the page that is shown; "": the first.
 * @param view Makes links.
 */
export function runTabs(id: string, here: string, view: View): Html {
  if (TABS.length === 1) return NOTHING;
  return html`
    <nav class="tabs" aria-label="The run">
      <ul>${TABS.map(({ text, segment }) => {
        const to = view.to(segment === "" ? ["runs", id] : ["runs", id, segment]);
        return html`<li><a href="${to}" aria-current="${
          segment === here ? "page" : null
        }">${text}</a></li>`;
      })}</ul>
    </nav>
  `;
}

/** An action that a run's pages offer. */
interface Offer {
  readonly text: string;
  readonly right: Right;
  readonly segment: string;
  readonly grave?: true;
  /** The states in which it is offered. */
  readonly when: "live" | "moving" | "paused" | "parked" | "failed" | "ended" | "any";
}

const OFFERS: readonly Offer[] = [
  { text: "Signal", right: "signal", segment: "signal", when: "live" },
  { text: "Retry", right: "retry", segment: "retry", when: "parked" },
  { text: "Take up again", right: "retry", segment: "reopen", when: "failed" },
  { text: "Resume", right: "pause", segment: "resume", when: "paused" },
  { text: "Upgrade", right: "upgrade", segment: "upgrade", when: "live" },
  { text: "Fork", right: "fork", segment: "fork", when: "any" },
  { text: "Cancel", right: "cancel", segment: "cancel", when: "live" },
  { text: "Pause", right: "pause", segment: "pause", when: "moving" },
  { text: "Terminate", right: "terminate", segment: "terminate", grave: true, when: "live" },
  { text: "Delete", right: "prune", segment: "delete", grave: true, when: "ended" },
];

/**
 * The actions that a viewer may take on a run: those for its state, and the others in a menu.
 *
 * @param run The run.
 * @param view Rights and links.
 */
export function runActions(run: RunDetails, view: View): Content {
  const { id, state, current } = run;
  const isEnded = run.endedAt !== null;
  const holds = {
    live: !isEnded,
    moving: !isEnded && state !== "paused",
    paused: state === "paused",
    parked: state.startsWith("stuck_"),
    failed: state === "failed",
    ended: isEnded,
    any: true,
  };
  const offers = OFFERS.filter(({ right, when, segment }) =>
    view.may(right) && holds[when] && !(segment === "upgrade" && current === true)
  );
  const links = offers.map(({ text, segment, grave }) => ({
    text,
    to: view.to(["runs", id, segment]),
    grave: grave === true,
  }));
  const others = [
    { text: "Compare with another", to: view.to(["compare"], { a: id }) },
    ...(view.may("start")
      ? [{ text: "Start one like it", to: view.to(["start"], { like: id }) }]
      : []),
    ...(view.may("export") && view.may("source")
      ? [{ text: "Export", to: view.to(["runs", id, "export"]) }]
      : []),
  ];
  const shown = links.slice(0, SHOWN);
  const more = [...links.slice(SHOWN), ...others];
  return html`${
    shown.map(({ text, to, grave }) =>
      html`<a class="button${grave ? " danger" : ""}" href="${to}">${text}</a>`
    )
  }${
    more.length === 0 ? NOTHING : html`
      <details class="menu">
        <summary class="button">More</summary>
        <ul>${more.map(({ text, to }) => html`<li><a href="${to}">${text}</a></li>`)}</ul>
      </details>
    `
  }`;
}

/** How many actions stand beside the title; the others are in the menu. */
const SHOWN = 4;
