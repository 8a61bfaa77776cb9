/**
 * `/audit`: who did what, to what, why, and what came of it.
 *
 * @module
 */

import { listOperations, type OperationLines } from "../../operate/operations.ts";
import { type Html, html, NOTHING } from "../html.ts";
import type { Query } from "../links.ts";
import { operationTable } from "../operation_table.ts";
import { empty } from "../parts/mod.ts";
import { definePage } from "../route.ts";
import type { View } from "../view.ts";

/** How many acts a page lists. */
const PAGE = 50;

/** The page. */
export const audit = definePage<OperationLines>({
  path: "/audit",
  rights: ["read"],
  everywhere: true,
  live: 30,
  load({ client, query }) {
    const text = (name: string) => query.get(name) || undefined;
    const filter = { run: text("run"), target: text("target"), as: text("as") };
    return listOperations(client, filter, { limit: PAGE, cursor: text("cursor") });
  },
  page: (data, view) => ({
    title: "Audit",
    body: html`${filters(view)}${list(data, view)}${pager(data, view)}`,
  }),
});

const FIELDS = [["as", "Who"], ["run", "Run"], ["target", "Target"]] as const;

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
      <p class="buttons"><button class="primary">Filter</button></p>
    </form>
  `;
}

function list({ operations }: OperationLines, view: View): Html {
  return operations.length === 0 ? empty("No act matches") : operationTable(operations, view);
}

function pager({ cursor, operations }: OperationLines, view: View): Html {
  if (cursor === null) return NOTHING;
  const query: Query = Object.fromEntries(FIELDS.map(([name]) => [name, view.query.get(name)]));
  return html`
    <nav class="pager"
      aria-label="Pages"><span>${operations.length} shown</span><a class="button" href="${view.to([
        "audit",
      ], { ...query, cursor })}" rel="next">Older</a></nav>
  `;
}
