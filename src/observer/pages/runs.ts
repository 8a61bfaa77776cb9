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
import { empty, missingNote, stateWord } from "../parts/mod.ts";
import { type MissingParts, readParts } from "../parts_read.ts";
import { definePage, type Look } from "../route.ts";
import { textParameter } from "../parameters.ts";
import { COLUMN, columnForm, listQuery, runTable } from "../run_columns.ts";
import {
  filterOf,
  filterParameters,
  filterQuery,
  type FilterTimes,
  ID_PREFIX,
  timesOf,
} from "../run_filter.ts";
import {
  chosenStates,
  filterForm,
  isNarrowed,
  type Offered,
  statePills,
} from "../run_filter_form.ts";
import type { View } from "../view.ts";

/** How many runs a page lists. */
const PAGE = 50;

const CURSOR = textParameter("cursor");

interface Runs {
  /** The runs; `null`: they were not found in time. */
  readonly runs: RunLines["runs"] | null;
  /** Leads to the next page; `null`: there is none. */
  readonly cursor: string | null;
  /** What the filter offers. */
  readonly offered: Offered;
  /** Why parts are missing. */
  readonly missing: MissingParts;
  /** The times of the filter, for the next page. */
  readonly times: FilterTimes;
}

/** The page. */
export const runs = definePage<Runs>({
  path: "/runs",
  rights: ["read"],
  parameters: [...filterParameters(ID_PREFIX), COLUMN, CURSOR],
  live: 5,
  async load({ client, given, kept, seesValues }) {
    const filter = filterOf(given);
    const cursor = given.one(CURSOR) ?? undefined;
    const minute = Math.floor(Date.now() / 60_000);
    const names = async () => [...(await currentVersions(client)).keys()].sort();
    const { parts, missing } = await readParts({
      runs: () => listRuns(client, filter, { limit: PAGE, cursor }),
      workflows: () => kept(["workflows", minute], names),
      attributes: () =>
        seesValues
          ? kept(["attributes", minute], () => attributeNames(client))
          : Promise.resolve(null),
    });
    return {
      runs: parts.runs?.runs ?? null,
      cursor: parts.runs?.cursor ?? null,
      offered: { workflows: parts.workflows, attributes: parts.attributes },
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
    body: html`
      <div class="narrowing">${statePills(view)}${filterForm(data.offered, view)}${columnForm(
        view,
      )}</div>
      ${bulk(data, view)}${pager(data, view)}
    `,
  }),
});

/** Of how many runs, the newest, the names of attributes are offered. */
const MOST_LOOKED_AT = 1_000;

async function attributeNames(client: Look["client"]): Promise<readonly string[]> {
  const { runs } = await listRuns(client, { states: ["any"] }, { limit: MOST_LOOKED_AT });
  return [...new Set(runs.flatMap(({ attributes }) => Object.keys(attributes)))].sort();
}

/** The list, and what can be done with chosen runs of it. */
function bulk({ runs, missing }: Runs, view: View): Html {
  if (runs === null) return missingNote(missing.runs!);
  if (runs.length === 0) return nothing(view);
  const offered = DEEDS.filter(({ right }) => view.may(right));
  const [first] = offered;
  if (first === undefined) return runTable(runs, view, false);
  const chosen = filterQuery(view.query);
  const hidden = Object.entries(chosen).flatMap(([name, values]) =>
    (values as readonly string[]).map((value) =>
      html`<input type="hidden" name="${name === "id" ? "prefix" : name}" value="${value}">`
    )
  );
  return html`
    <form class="bulk" action="${view.to(["bulk", first.word])}" method="post">
      ${runTable(runs, view, true)}
      <fieldset class="buttons"><legend class="unseen">With the chosen runs</legend>
        <label class="check only-scripted"><input type="checkbox" data-all=""> all shown</label>
        <label class="check"><input type="checkbox" name="all" value="1"> all that match</label>
        ${offered.map(({ word, verb }) =>
          html`<button formaction="${view.to(["bulk", word])}">${verb}</button>`
        )}
        ${hidden}
      </fieldset>
    </form>
  `;
}

function nothing(view: View): Html {
  const { query } = view;
  const states = chosenStates(query);
  const words = states.map(stateWord).join(" or ");
  const all = view.to(["runs"], { state: "any" });
  if (query.get(CURSOR.name)) {
    return empty(
      "No older run",
      html`<a href="${view.to(["runs"], listQuery(query))}">Back to the newest</a>`,
    );
  }
  if (isNarrowed(query)) {
    const wider = view.to(["runs"], { ...listQuery(query), state: "any" });
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
  const filter = listQuery(view.query);
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
