/**
 * The table of a list of runs, and which columns it has. The address holds them.
 *
 * @module
 */

import type { RunLine } from "../operate/run_lines.ts";
import { attributeList } from "./attribute_list.ts";
import { type Content, type Html, html } from "./html.ts";
import type { Query } from "./links.ts";
import { several, wordParameter } from "./parameters.ts";
import {
  ago,
  type Column,
  runLink,
  stateMark,
  table,
  valueLine,
  versionLink,
  waitsFor,
} from "./parts/mod.ts";
import { filterQuery } from "./run_filter.ts";
import type { View } from "./view.ts";

interface RunColumn extends Omit<Column<RunLine>, "cell"> {
  /** Whether it is shown unless the address says otherwise. */
  readonly usual?: true;
  cell(run: RunLine, view: View): Content;
}

/** All columns but the first, by their names in the address. */
const COLUMNS: Readonly<Record<string, RunColumn>> = {
  workflow: { title: "Workflow", usual: true, cell: ({ workflow }) => workflow },
  version: {
    title: "Version",
    usual: true,
    cell: ({ version, current }, view) => versionLink(view, version, current),
  },
  state: { title: "State", usual: true, cell: ({ state }) => stateMark(state) },
  waits: {
    title: "Waits for",
    usual: true,
    wide: true,
    cell: (run, view) => waitsFor(view, run),
  },
  attributes: {
    title: "Attributes",
    wide: true,
    cell: ({ attributes }) => attributeList(attributes),
  },
  status: {
    title: "Status set by the workflow",
    wide: true,
    cell: ({ custom }) => valueLine(custom as never, 80),
  },
  parent: {
    title: "Started by",
    cell: ({ parent }, view) => parent === null ? null : runLink(view, parent),
  },
  created: { title: "Created", usual: true, cell: ({ createdAt }, view) => ago(view, createdAt) },
  started: { title: "Started", cell: ({ startedAt }, view) => ago(view, startedAt) },
  changed: {
    title: "Changed",
    usual: true,
    cell: ({ endedAt, since, createdAt }, view) => ago(view, endedAt ?? since ?? createdAt),
  },
  ended: { title: "Ended", cell: ({ endedAt }, view) => ago(view, endedAt) },
};

const NAMES = Object.keys(COLUMNS);

/** Which columns are shown. */
export const COLUMN = several(wordParameter("column", NAMES));

/**
 * What the address of a list says of filters and columns, for links to other pages of it.
 *
 * @param query The query of the address.
 */
export function listQuery(query: URLSearchParams): Query {
  return { ...filterQuery(query), [COLUMN.name]: query.getAll(COLUMN.name) };
}

function chosenNames(query: URLSearchParams): readonly string[] {
  const chosen = query.getAll(COLUMN.name).filter((name) => name !== "");
  return NAMES.filter((name) =>
    chosen.length === 0 ? COLUMNS[name]!.usual === true : chosen.includes(name)
  );
}

/**
 * The table.
 *
 * @param runs The runs.
 * @param view Links, times, and the columns.
 * @param isChosen Whether each row has a box, by which it is chosen.
 */
export function runTable(runs: readonly RunLine[], view: View, isChosen: boolean): Html {
  const choice: Column<RunLine> = {
    title: "",
    controls: "Choose",
    cell: ({ id }) =>
      html`<input type="checkbox" name="id" value="${id}" aria-label="Choose ${id}">`,
  };
  const columns = chosenNames(view.query).map((name): Column<RunLine> => {
    const { cell, ...column } = COLUMNS[name]!;
    return { ...column, cell: (run) => cell(run, view) };
  });
  return table("Runs, the newest first", [
    ...(isChosen ? [choice] : []),
    { title: "Run", head: true, cell: ({ id }) => runLink(view, id) },
    ...columns,
  ], runs);
}

/**
 * The form that chooses columns.
 *
 * @param view Links, and the columns.
 */
export function columnForm(view: View): Html {
  const { query } = view;
  const chosen = chosenNames(query);
  const hidden = Object.entries(filterQuery(query)).flatMap(([name, values]) =>
    (values as readonly string[]).map((value) =>
      html`<input type="hidden" name="${name}" value="${value}">`
    )
  );
  return html`
    <details class="card">
      <summary>Columns</summary>
      <form class="choices" action="${view.to(["runs"])}" method="get" aria-label="Columns">
        ${hidden}${NAMES.map((name) =>
          html`
            <label
              class="check"><input type="checkbox" name="column" value="${name}" checked="${chosen
                .includes(name)}"> ${COLUMNS[name]!.title}</label>
          `
        )}
        <p class="buttons"><button class="primary">Show these</button>
          <a class="button" href="${view.to(["runs"], filterQuery(query))}">The usual ones</a></p>
      </form>
    </details>
  `;
}
