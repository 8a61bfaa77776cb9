/**
 * `/audit`: who did what, to what, why, and what came of it.
 *
 * @module
 */

import { ACTION_FILTERS, listOperations, type OperationLines } from "../../operate/operations.ts";
import { type Html, html, NOTHING } from "../html.ts";
import type { Query } from "../links.ts";
import { operationTable } from "../operation_table.ts";
import { empty } from "../parts/mod.ts";
import { textParameter, wordParameter } from "../parameters.ts";
import { timeParameter, ZONE } from "../time_parameters.ts";
import { zoneField } from "../zone_field.ts";
import { definePage } from "../route.ts";
import type { View } from "../view.ts";

/** How many acts a page lists. */
const PAGE = 50;

const AS = textParameter("as");
const RUN = textParameter("run");
const TARGET = textParameter("target");
const ACTION = wordParameter("action", ACTION_FILTERS);
const SINCE = timeParameter("since");
const CURSOR = textParameter("cursor");

interface Acts extends OperationLines {
  /** The time of the filter, for the next page: `2h` is another one by then. */
  readonly since: string | null;
}

/** The page. */
export const audit = definePage<Acts>({
  path: "/audit",
  rights: ["read"],
  everywhere: true,
  parameters: [AS, RUN, TARGET, ACTION, SINCE, ZONE, CURSOR],
  live: 30,
  async load({ client, given }) {
    const filter = {
      as: given.one(AS) ?? undefined,
      run: given.one(RUN) ?? undefined,
      target: given.one(TARGET) ?? undefined,
      action: given.one(ACTION) ?? undefined,
      since: given.one(SINCE) ?? undefined,
    };
    const page = { limit: PAGE, cursor: given.one(CURSOR) ?? undefined };
    const since = filter.since?.toISOString() ?? null;
    return { ...await listOperations(client, filter, page), since };
  },
  facts: ({ since: _, ...data }) => data as never,
  page: (data, view) => ({
    title: "Audit",
    body: html`${filters(view)}${list(data, view)}${pager(data, view)}`,
  }),
});

const FIELDS = [["as", "Who"], ["run", "Run"], ["target", "Target"]] as const;

const NAMES = [...FIELDS.map(([name]) => name), ACTION.name];

function filters(view: View): Html {
  return html`
    <form class="filters short card" action="${view.to([
      "audit",
    ])}" method="get" aria-label="Filters">
      ${FIELDS.map(([name, title]) =>
        html`
          <label
            class="field"><span>${title}</span><input name="${name}" value="${view.query.get(
              name,
            )}" autocomplete="off" spellcheck="false"></label>
        `
      )}
      <label class="field"><span>Action</span><select name="action">
        <option value="">any</option>${ACTION_FILTERS.map((action) =>
          html`<option value="${action}" selected="${
            action === view.query.get("action")
          }">${action}</option>`
        )}</select></label>
      <label class="field"><span>Since</span><input name="since" value="${view.query.get(
        "since",
      )}" placeholder="2h" autocomplete="off"></label>
      ${zoneField(
        view,
      )}<p class="buttons"><button class="primary">Filter</button><a class="button" href="${view.to(
        [
          "audit",
        ],
      )}">Clear</a></p>
    </form>
  `;
}

function list({ operations }: OperationLines, view: View): Html {
  if (operations.length > 0) return operationTable(operations, view, true);
  const isNarrowed = [...NAMES, SINCE.name, CURSOR.name].some((name) => view.query.get(name));
  if (isNarrowed) {
    return empty("No act matches", html`<a href="${view.to(["audit"])}">Show all acts</a>`);
  }
  return empty(
    "No one has acted yet",
    html`A person who cancels, signals or moves a run, here or by <code>continuum</code>, is listed
      with the reason. <a href="${view.to(["runs"])}">Choose a run</a>`,
  );
}

function pager({ cursor, operations, since }: Acts, view: View): Html {
  if (cursor === null) return NOTHING;
  const query: Query = {
    ...Object.fromEntries(NAMES.map((name) => [name, view.query.get(name)])),
    since,
  };
  return html`
    <nav class="pager"
      aria-label="Pages"><span>${operations.length} shown</span><a class="button" href="${view.to([
        "audit",
      ], { ...query, cursor })}" rel="next">Older</a></nav>
  `;
}
