/**
 * The form that narrows a list of runs, and the states that are one click away.
 *
 * @module
 */

import { type Html, html, NOTHING } from "./html.ts";
import { stateWord } from "./parts/mod.ts";
import { COLUMN, listQuery } from "./run_columns.ts";
import { FILTER_NAMES } from "./run_filter.ts";
import { ZONE } from "./time_parameters.ts";
import type { View } from "./view.ts";
import { zoneField, zoneOfForm } from "./zone_field.ts";

/** States that are one click away. */
const STATES: readonly (readonly [text: string, states: readonly string[]])[] = [
  ["live", ["live"]],
  ["parked", ["parked"]],
  ["failed", ["failed"]],
  ["parked or failed", ["parked", "failed"]],
  ["completed", ["completed"]],
  ["all that ended", ["ended"]],
  ["all", ["any"]],
];

/** Fields that narrow the list further. */
const NARROWING = FILTER_NAMES.filter((name) => name !== "state" && name !== ZONE.name);

/**
 * The states of a filter.
 *
 * @param query The query of the address.
 */
export function chosenStates(query: URLSearchParams): readonly string[] {
  const states = query.getAll("state").filter((state) => state !== "");
  return states.length === 0 ? ["live"] : states;
}

/**
 * Whether anything but the state narrows a list.
 *
 * @param query The query of the address.
 */
export function isNarrowed(query: URLSearchParams): boolean {
  return NARROWING.some((name) => query.getAll(name).some((value) => value !== ""));
}

/** What the fields offer; `null`: it was not read in time, or may not be seen. */
export interface Offered {
  /** The names of workflows. */
  readonly workflows: readonly string[] | null;
  /** The names of attributes. */
  readonly attributes: readonly string[] | null;
}

/**
 * The states that are one click away.
 *
 * @param view Links, and the filter.
 */
export function statePills(view: View): Html {
  const { query } = view;
  const chosen = chosenStates(query);
  const isListed = STATES.some(([, each]) => each.join() === chosen.join());
  const others = isListed ? [] : [[chosen.map(stateWord).join(", "), chosen] as const];
  return html`
    <ul aria-label="States">${[...STATES, ...others].map(([text, each]) =>
      html`<li><a class="pill" href="${
        view.to(["runs"], { ...listQuery(query), state: each })
      }" aria-current="${each.join() === chosen.join() ? "true" : null}">${text}</a></li>`
    )}</ul>
  `;
}

/**
 * The form.
 *
 * @param offered What the fields offer.
 * @param view Links, and the filter.
 */
export function filterForm({ workflows, attributes }: Offered, view: View): Html {
  const { query } = view;
  const hidden = (name: string, values: readonly string[]) =>
    values.map((value) => html`<input type="hidden" name="${name}" value="${value}">`);
  const field = (name: string, title: string, hint: string | null, list: string | null = null) =>
    fieldOf(name, title, query.get(name), hint, list);
  const options = (id: string, values: readonly string[]) =>
    html`<datalist id="${id}">${
      values.slice(0, MOST_OFFERED).map((value) => html`<option value="${value}"></option>`)
    }</datalist>`;
  // Each that was given, and one to add.
  const pairs = [...query.getAll("attribute").filter((pair) => pair !== ""), null];
  return html`
    <details class="card" open="${isNarrowed(query)}">
      <summary>Narrow by workflow, version, id, attribute or time</summary>
      <form class="filters" action="${view.to(["runs"])}" method="get" aria-label="Filters">
        ${hidden("state", chosenStates(query))}${hidden(COLUMN.name, query.getAll(COLUMN.name))}
        ${field("workflow", "Workflow", null, "workflows")}
        ${field("version", "Version", "hash, current or old", "versions")}
        ${field("id", "Id begins with", null)}
        ${field("parent", "Started by", "id of a run")}
        ${pairs.map((pair, index) =>
          fieldOf(
            "attribute",
            index === 0 ? "Attribute" : "And attribute",
            pair,
            "name=value",
            "attributes",
          )
        )}
        ${field("since", "Created since", "2h")}
        ${field("until", "Created until", "2026-01-31")}
        ${field("endedSince", "Ended since", "2h")}
        ${zoneField(view)}${options("workflows", workflows ?? [])}${options("versions", [
          "current",
          "old",
        ])}
        ${options("attributes", (attributes ?? []).map((name) => `${name}=`))}
        <p class="buttons"><button class="primary">Filter</button>
          <a class="button" href="${view.to(["runs"])}">Clear</a></p>
        <p class="hint wide-field">Times without a zone are in ${zoneOfForm(
          view,
        )}. ${attributes === null || attributes.length === 0
          ? NOTHING
          : "The names of attributes that are offered are those of the newest 1,000 runs."}</p>
      </form>
    </details>
  `;
}

/** How many values a field offers. */
const MOST_OFFERED = 500;

function fieldOf(
  name: string,
  title: string,
  value: string | null,
  hint: string | null,
  list: string | null,
): Html {
  return html`
    <label class="field"><span>${title}</span>
      <input name="${name}" value="${value}" placeholder="${hint}" list="${list}" autocomplete="off"
        spellcheck="false"></label>
  `;
}
