/**
 * What operators did, as a table.
 *
 * @module
 */

import type { OperationLine } from "../operate/operations.ts";
import { type Content, type Html, html } from "./html.ts";
import { ago, runLink, table } from "./parts/mod.ts";
import type { View } from "./view.ts";

/**
 * The table.
 *
 * @param operations What was done, the newest first.
 * @param view Links and times.
 */
export function operationTable(operations: readonly OperationLine[], view: View): Html {
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
