/**
 * `/audit`: who did what, to what, why, and what came of it.
 *
 * @module
 */

import {
  listOperations,
  type OperationLine,
  type OperationLines,
} from "../../operate/operations.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import type { Query } from "../links.ts";
import { ago, empty, runLink, table } from "../parts/mod.ts";
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
  if (operations.length === 0) return empty("No act matches");
  return table("What operators did, the newest first", [
    { title: "When", cell: ({ at }) => ago(view, at) },
    { title: "Action", head: true, cell: ({ action }) => action },
    { title: "Target", cell: (operation) => targetOf(operation, view) },
    { title: "Who", cell: (operation) => whoOf(operation, view) },
    { title: "Reason", wide: true, cell: ({ reason }) => reason },
    {
      title: "Outcome",
      cell: ({ outcome }) =>
        outcome === "done"
          ? html`<span class="chip good">done</span>`
          : html`<span class="chip warn">${outcome}</span>`,
    },
  ], operations);
}

function targetOf({ action, target, namespace }: OperationLine, view: View): Content {
  const isHere = namespace === view.namespace && action.startsWith("run.");
  return isHere ? runLink(view, target) : html`<code class="inline">${target}</code>`;
}

function whoOf({ as, proven }: OperationLine, view: View): Content {
  const link = html`<a href="${view.to(["audit"], { as })}">${as}</a>`;
  return proven
    ? link
    : html`${link} <span class="chip" title="The caller claimed this name">claimed</span>`;
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
