/**
 * `/versions`: which versions are needed, by how many runs, and whether nodes can load them.
 *
 * @module
 */

import {
  listVersions,
  VERSION_STATES,
  type VersionLine,
  type VersionLines,
} from "../../operate/versions.ts";
import { OPEN_WORKER } from "../first_steps.ts";
import { queryOf } from "../here.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import { ago, empty, MOST_COUNTED, number, stateMark, table, versionLink } from "../parts/mod.ts";
import { several, textParameter, wordParameter } from "../parameters.ts";
import { definePage } from "../route.ts";
import { signedBy } from "../signed_by.ts";
import type { View } from "../view.ts";

/** How many versions a page lists. */
const PAGE = 50;

const WORKFLOW = textParameter("workflow");
const STATE = several(wordParameter("state", VERSION_STATES));
const CURSOR = textParameter("cursor");

/** The page. */
export const versions = definePage<VersionLines>({
  path: "/versions",
  rights: ["read"],
  everywhere: true,
  parameters: [WORKFLOW, STATE, CURSOR],
  live: 30,
  load({ client, given }) {
    const workflow = given.one(WORKFLOW);
    const cursor = given.one(CURSOR);
    const state = given.all(STATE);
    return listVersions(client, {
      limit: PAGE,
      ...(workflow === null ? {} : { workflow }),
      ...(cursor === null ? {} : { cursor }),
      ...(state.length === 0 ? {} : { state }),
    });
  },
  page: (data, view) => ({
    title: "Versions",
    aside: html`${
      view.may("source")
        ? html`<a class="button" href="${view.to(["versions", "diff"])}">Compare two</a>`
        : NOTHING
    }<a class="button" href="${
      view.to(["upgrade"], queryOf(view, ["state", "cursor"]))
    }">Move runs</a>`,
    body: html`${narrowing(view)}${list(data, view)}${pager(data, view)}`,
  }),
});

function narrowing(view: View): Html {
  const workflow = view.query.get("workflow");
  const chosen = view.query.getAll("state");
  const pill = (text: string, state: string | null) =>
    html`<li><a class="pill" href="${view.to(["versions"], { state, workflow })}" aria-current="${
      (state === null ? chosen.length === 0 : chosen.includes(state)) ? "true" : null
    }">${text}</a></li>`;
  return html`
    <div class="narrowing">
      <ul>${pill("all", null)}${VERSION_STATES.map((state) => pill(state, state))}</ul>
    </div>
  `;
}

function list({ versions }: VersionLines, view: View): Html {
  if (versions.length === 0) return nothing(view);
  return table("Versions, the newest first", [
    {
      title: "Version",
      head: true,
      cell: ({ hash, label }) => versionLink(view, { hash, label }, null),
    },
    {
      title: "Workflow",
      cell: ({ workflow }) =>
        html`<a href="${view.to(["versions"], { workflow })}">${workflow}</a>`,
    },
    { title: "State", cell: ({ state }) => stateMark(state) },
    { title: "Live runs", number: true, cell: (version) => liveOf(version, view) },
    { title: "Oldest", cell: ({ oldestLive }) => ago(view, oldestLive) },
    { title: "Last start", cell: ({ lastStart }) => ago(view, lastStart) },
    { title: "Nodes", number: true, cell: ({ nodes }) => nodesOf(nodes) },
    { title: "Signed by", cell: ({ signatures }) => signedBy(signatures) },
    { title: "Size", number: true, cell: ({ bytes }) => sizeOf(bytes) },
    { title: "Source", wide: true, cell: sourceOf },
  ], versions);
}

function nothing(view: View): Html {
  const isNarrowed = ["workflow", "state", "cursor"].some((name) => view.query.get(name));
  if (isNarrowed) {
    return empty(
      "No version matches",
      html`<a href="${view.to(["versions"])}">Show all versions</a>`,
    );
  }
  return empty(
    "No version is registered yet",
    html`A worker registers the versions of its workflows: ${OPEN_WORKER}`,
  );
}

function liveOf({ live, hash }: VersionLine, view: View): Content {
  if (live === 0) return "–";
  return html`<a href="${view.to(["runs"], { version: hash })}">${number(live, MOST_COUNTED)}</a>`;
}

function nodesOf({ alive, refusing }: VersionLine["nodes"]): Content {
  const text = `${alive - refusing.length}/${alive}`;
  return refusing.length === 0 ? text : html`<span class="chip bad">${text}</span>`;
}

function sizeOf(bytes: number): string {
  return bytes < 1_024 ? `${bytes} B` : `${number(Math.round(bytes / 1_024))} kB`;
}

function sourceOf({ archived, specifiers, denied }: VersionLine): Content {
  if (denied !== null) return html`<span class="chip bad">denied</span> ${denied.reason}`;
  const [specifier] = specifiers;
  return html`${archived ? "archived" : "not archived"}${
    specifier === undefined ? NOTHING : html`, <code class="inline">${specifier}</code>`
  }`;
}

function pager({ versions, cursor }: VersionLines, view: View): Html {
  if (cursor === null && !view.query.has("cursor")) return NOTHING;
  const query = { state: view.query.getAll("state"), workflow: view.query.get("workflow") };
  const next = cursor === null
    ? NOTHING
    : html`<a class="button" href="${
      view.to(["versions"], { ...query, cursor })
    }" rel="next">Older</a>`;
  return html`<nav class="pager" aria-label="Pages"><span>${versions.length} shown</span>${next}</nav>`;
}
