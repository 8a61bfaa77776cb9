/**
 * `/runs`: a list of runs, by filters that the address holds.
 *
 * @module
 */

import { listRuns, type RunLines } from "../../operate/runs.ts";
import { currentVersions } from "../../operate/versions.ts";
import { DEEDS } from "../actions/runs.ts";
import { firstSteps } from "../first_steps.ts";
import { type Html, html, NOTHING } from "../html.ts";
import {
  ago,
  empty,
  missingNote,
  runLink,
  stateMark,
  stateWord,
  table,
  versionLink,
  waitsFor,
} from "../parts/mod.ts";
import { type MissingParts, readParts } from "../parts_read.ts";
import { definePage } from "../route.ts";
import { textParameter } from "../parameters.ts";
import {
  FILTER_NAMES,
  filterOf,
  filterParameters,
  filterQuery,
  type FilterTimes,
  ID_PREFIX,
  timesOf,
} from "../run_filter.ts";
import type { View } from "../view.ts";

/** How many runs a page lists. */
const PAGE = 50;

const CURSOR = textParameter("cursor");

interface Runs {
  /** The runs; `null`: they were not found in time. */
  readonly runs: RunLines["runs"] | null;
  /** Leads to the next page; `null`: there is none. */
  readonly cursor: string | null;
  /** The names of workflows, for the filter; `null`: they were not read in time. */
  readonly workflows: readonly string[] | null;
  /** Why parts are missing. */
  readonly missing: MissingParts;
  /** The times of the filter, for the next page. */
  readonly times: FilterTimes;
}

/** The page. */
export const runs = definePage<Runs>({
  path: "/runs",
  rights: ["read"],
  parameters: [...filterParameters(ID_PREFIX), CURSOR],
  live: 5,
  async load({ client, given, kept }) {
    const filter = filterOf(given);
    const cursor = given.one(CURSOR) ?? undefined;
    const minute = Math.floor(Date.now() / 60_000);
    const names = async () => [...(await currentVersions(client)).keys()].sort();
    const { parts, missing } = await readParts({
      runs: () => listRuns(client, filter, { limit: PAGE, cursor }),
      workflows: () => kept(["workflows", minute], names),
    });
    return {
      runs: parts.runs?.runs ?? null,
      cursor: parts.runs?.cursor ?? null,
      workflows: parts.workflows,
      missing,
      times: timesOf(filter),
    };
  },
  facts: ({ times: _, ...data }) => data as never,
  page: (data, view) => ({
    title: "Runs",
    aside: view.may("start")
      ? html`<a class="button" href="${view.to(["start"])}">Start a run</a>`
      : null,
    body: html`${filters(data, view)}${bulk(data, view)}${pager(data, view)}`,
  }),
});

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
const NARROWING = FILTER_NAMES.filter((name) => name !== "state");

function chosenStates(query: URLSearchParams): readonly string[] {
  const states = query.getAll("state").filter((state) => state !== "");
  return states.length === 0 ? ["live"] : states;
}

function isNarrowed(query: URLSearchParams): boolean {
  return NARROWING.some((name) => query.getAll(name).some((value) => value !== ""));
}

function filters({ workflows }: Runs, view: View): Html {
  const { query } = view;
  const chosen = chosenStates(query);
  const isListed = STATES.some(([, each]) => each.join() === chosen.join());
  const others = isListed ? [] : [[chosen.map(stateWord).join(", "), chosen] as const];
  const filter = filterQuery(query);
  const pills = [...STATES, ...others].map(([text, each]) =>
    html`<li><a class="pill" href="${
      view.to(["runs"], { ...filter, state: each })
    }" aria-current="${each.join() === chosen.join() ? "true" : null}">${text}</a></li>`
  );
  const text = (name: string) => query.get(name);
  return html`
    <div class="narrowing">
      <ul aria-label="States">${pills}</ul>
      <details class="card" open="${isNarrowed(query)}">
        <summary>Narrow by workflow, version, id, attribute or time</summary>
        <form class="filters" action="${view.to(["runs"])}" method="get" aria-label="Filters">
          ${chosen.map((state) => html`<input type="hidden" name="state" value="${state}">`)}
          <label class="field"><span>Workflow</span>
            <input name="workflow" value="${text(
              "workflow",
            )}" list="workflows" autocomplete="off"></label>
          <datalist id="workflows">${(workflows ?? []).slice(0, 500).map((name) =>
            html`<option value="${name}"></option>`
          )}</datalist>
          <label class="field"><span>Version</span>
            <input name="version" value="${text(
              "version",
            )}" list="versions" placeholder="hash or current" autocomplete="off"></label>
          <datalist id="versions"><option value="current"></option><option value="old"></option></datalist>
          <label class="field"><span>Id begins with</span>
            <input name="id" value="${text("id")}" autocomplete="off" spellcheck="false"></label>
          <label class="field"><span>Started by</span>
            <input name="parent" value="${text(
              "parent",
            )}" placeholder="id of a run" autocomplete="off" spellcheck="false"></label>
          <label class="field"><span>Attribute</span>
            <input name="attribute" value="${text(
              "attribute",
            )}" placeholder="name=value" autocomplete="off"></label>
          <label class="field"><span>Created since</span>
            <input name="since" value="${text(
              "since",
            )}" placeholder="2h" autocomplete="off"></label>
          <label class="field"><span>Created until</span>
            <input name="until" value="${text(
              "until",
            )}" placeholder="2026-01-31" autocomplete="off"></label>
          <label class="field"><span>Ended since</span>
            <input name="endedSince" value="${text(
              "endedSince",
            )}" placeholder="2h" autocomplete="off"></label>
          <p class="buttons"><button class="primary">Filter</button>
            <a class="button" href="${view.to(["runs"])}">Clear</a></p>
        </form>
      </details>
    </div>
  `;
}

/** The list, and what can be done with chosen runs of it. */
function bulk({ runs, missing }: Runs, view: View): Html {
  if (runs === null) return missingNote(missing.runs!);
  if (runs.length === 0) return nothing(view);
  const offered = DEEDS.filter(({ right }) => view.may(right));
  const [first] = offered;
  if (first === undefined) return list(runs, view, false);
  const chosen = filterQuery(view.query);
  const hidden = Object.entries(chosen).flatMap(([name, values]) =>
    (values as readonly string[]).map((value) =>
      html`<input type="hidden" name="${name === "id" ? "prefix" : name}" value="${value}">`
    )
  );
  return html`
    <form class="bulk" action="${view.to(["bulk", first.word])}" method="post">
      ${list(runs, view, true)}
      <fieldset class="buttons"><legend class="unseen">With the chosen runs</legend>
        <label class="check"><input type="checkbox" data-all=""> all shown</label>
        <label class="check"><input type="checkbox" name="all" value="1"> all that match</label>
        ${offered.map(({ word, verb }) =>
          html`<button formaction="${view.to(["bulk", word])}">${verb}</button>`
        )}
        ${hidden}
      </fieldset>
    </form>
  `;
}

function list(runs: RunLines["runs"], view: View, isChosen: boolean): Html {
  const choice = {
    title: "",
    controls: "Choose",
    cell: ({ id }: RunLines["runs"][number]) =>
      html`<input type="checkbox" name="id" value="${id}" aria-label="Choose ${id}">`,
  };
  return table("Runs, the newest first", [
    ...(isChosen ? [choice] : []),
    { title: "Run", head: true, cell: ({ id }) => runLink(view, id) },
    { title: "Workflow", cell: ({ workflow }) => workflow },
    { title: "Version", cell: ({ version, current }) => versionLink(view, version, current) },
    { title: "State", cell: ({ state }) => stateMark(state) },
    { title: "Waits for", wide: true, cell: (run) => waitsFor(view, run) },
    { title: "Created", cell: ({ createdAt }) => ago(view, createdAt) },
    {
      title: "Changed",
      cell: ({ endedAt, since, createdAt }) => ago(view, endedAt ?? since ?? createdAt),
    },
  ], runs);
}

function nothing(view: View): Html {
  const { query } = view;
  const states = chosenStates(query);
  const words = states.map(stateWord).join(" or ");
  const all = view.to(["runs"], { state: "any" });
  if (query.get(CURSOR.name)) {
    return empty(
      "No older run",
      html`<a href="${view.to(["runs"], filterQuery(query))}">Back to the newest</a>`,
    );
  }
  if (isNarrowed(query)) {
    const wider = view.to(["runs"], { ...filterQuery(query), state: "any" });
    return empty(
      "No run matches",
      states.includes("any") ? html`<a href="${all}">Show all runs</a>` : html`
        Only ${words} runs were looked at.
                  <a href="${wider}">Look at the others, too</a>, or <a
          href="${all}">show all runs</a>
      `,
    );
  }
  if (states.includes("any")) return empty("There is no run yet", firstSteps(view));
  return empty(
    `No ${words} run`,
    html`<a href="${all}">Show all runs</a>`,
  );
}

function pager({ runs, cursor, times }: Runs, view: View): Html {
  const filter = filterQuery(view.query);
  const isFirst = !view.query.get("cursor");
  if (runs === null || isFirst && cursor === null) return NOTHING;
  const start = isFirst
    ? NOTHING
    : html`<a class="button" href="${view.to(["runs"], filter)}">Newest</a>`;
  const next = cursor === null
    ? NOTHING
    : html`<a class="button" href="${
      view.to(["runs"], { ...filter, ...times, cursor })
    }" rel="next">Older</a>`;
  return html`
    <nav class="pager"
      aria-label="Pages"><span>${runs
        .length} shown</span><span class="buttons">${start}${next}</span></nav>
  `;
}
