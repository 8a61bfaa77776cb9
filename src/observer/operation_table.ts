/**
 * What operators did, as a table.
 *
 * @module
 */

import type { Json } from "../operate/plain.ts";
import type { OperationLine } from "../operate/operations.ts";
import { type Content, type Html, html } from "./html.ts";
import { ago, type Column, runLink, stateWord, table } from "./parts/mod.ts";
import type { View } from "./view.ts";

/**
 * The table.
 *
 * @param operations What was done, the newest first.
 * @param view Links and times.
 * @param isWhole Whether it also says what has changed.
 */
export function operationTable(
  operations: readonly OperationLine[],
  view: View,
  isWhole: boolean,
): Html {
  const change: Column<OperationLine> = { title: "Before → after", wide: true, cell: changeOf };
  return table("What operators did, the newest first", [
    { title: "When", cell: ({ at }) => ago(view, at) },
    { title: "Action", head: true, cell: ({ action }) => action },
    { title: "Target", cell: (operation) => targetOf(operation, view) },
    { title: "Who", cell: (operation) => whoOf(operation, view) },
    { title: "Reason", wide: true, cell: ({ reason }) => reason },
    ...(isWhole ? [change] : []),
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

/** What an act has changed: each fact as it was, and as it became. */
function changeOf({ before, after }: OperationLine): Content {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const said = (facts: OperationLine["before"], name: string) =>
    facts === null || facts[name] === undefined ? "–" : factOf(facts[name]);
  const changes = [...names].filter((name) => said(before, name) !== said(after, name));
  if (changes.length === 0) return null;
  return html`
    <ul class="changes">${changes.map((name) =>
      html`<li><b>${name}</b> ${said(before, name)} → ${said(after, name)}</li>`
    )}</ul>
  `;
}

/** The longest fact that a cell shows, in characters. */
const MOST_SHOWN = 80;

function factOf(fact: Json): string {
  const text = typeof fact === "string" ? stateWord(fact) : JSON.stringify(fact);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

function whoOf({ as, proven }: OperationLine, view: View): Content {
  const link = html`<a href="${view.to(["audit"], { as })}">${as}</a>`;
  return proven ? link : html`
    <span
      class="worded">${link} <span class="chip" title="The caller claimed this name">claimed</span></span>
  `;
}
