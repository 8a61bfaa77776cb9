/**
 * `/namespaces`: the namespaces that the viewer may look at, and where there is trouble.
 *
 * @module
 */

import type { Continuum } from "../../operate/client.ts";
import { NAMESPACES } from "../../operate/readings/api.ts";
import { listRuns } from "../../operate/runs.ts";
import type { RunLine } from "../../operate/run_lines.ts";
import { type Html, html, NOTHING } from "../html.ts";
import type { Link } from "../links.ts";
import { textParameter } from "../parameters.ts";
import { isLate } from "../parts_read.ts";
import { ago, empty, stateMark, table } from "../parts/mod.ts";
import { definePage } from "../route.ts";
import type { View } from "../view.ts";

/** How many namespaces a page lists. */
const PAGE = 50;

const AFTER = textParameter("after");

interface NamespaceLine {
  readonly name: string;
  /** The run that was parked or has failed last; `null`: none, or it was not found in time. */
  readonly trouble: RunLine | null;
}

interface NamespacesData {
  /** The namespace of the addresses that name none. */
  readonly own: string;
  readonly namespaces: readonly NamespaceLine[];
  /** The name after which the next page begins; `null`: there is none. */
  readonly after: string | null;
}

/** The page. */
export const namespaces = definePage<NamespacesData>({
  path: `/${NAMESPACES}`,
  rights: ["read"],
  anywhere: true,
  parameters: [AFTER],
  live: 30,
  async load({ client, given, mayEverywhere, namespaces: { own, named, mayRead } }) {
    const found = mayEverywhere ? (await client.namespaces()).filter(mayRead) : [];
    const after = given.one(AFTER) ?? "";
    const names = [...new Set([...named, ...found])].sort().filter((name) => name > after);
    const shown = names.slice(0, PAGE);
    const lines = shown.map(async (name) => ({ name, trouble: await troubleOf(client, name) }));
    return {
      own,
      namespaces: await Promise.all(lines),
      after: names.length > PAGE ? shown.at(-1)! : null,
    };
  },
  page: ({ own, namespaces, after }, view) => ({
    title: "Namespaces",
    body: html`
      ${namespaces.length === 0 ? nothing(view) : table("Namespaces, by name", [
        {
          title: "Namespace",
          head: true,
          cell: ({ name }) =>
            html`<a class="id" href="${firstPageOf(name, own, view)}">${name}</a>${
              name === view.namespace
                ? [" ", html`<span class="chip live">shown now</span>`]
                : NOTHING
            }`,
        },
        {
          title: "Latest trouble",
          cell: ({ trouble }) => trouble === null ? "–" : stateMark(trouble.state),
        },
        {
          title: "Run",
          wide: true,
          cell: ({ name, trouble }) =>
            trouble === null
              ? NOTHING
              : html`<a class="id" href="${
                view.root([...pathOf(name, own), "runs", trouble.id])
              }">${trouble.id}</a>`,
        },
        { title: "Since", cell: ({ trouble }) => ago(view, trouble?.troubleAt ?? null) },
      ], namespaces)}
      ${namespaces.length === 1 && after === null
        ? html`
          <p
            class="hint">A program works in another namespace by its option <code>namespace</code>. It is listed here once it
            has a run.</p>
        `
        : NOTHING}${after === null
        ? NOTHING
        : html`<nav class="pager" aria-label="Pages"><span>${namespaces.length} shown</span><a
        class="button" href="${view.to([NAMESPACES], { after })}" rel="next">More</a></nav>`}
    `,
  }),
});

function nothing(view: View): Html {
  return empty(
    "No namespace follows",
    html`<a href="${view.to([NAMESPACES])}">Back to the first</a>`,
  );
}

function firstPageOf(name: string, own: string, view: View): Link {
  return view.root(pathOf(name, own));
}

/** The path of a namespace (NAMESPACE-1). */
function pathOf(name: string, own: string): readonly string[] {
  return name === own ? [] : [NAMESPACES, name];
}

async function troubleOf(client: Continuum, namespace: string): Promise<RunLine | null> {
  try {
    const { runs } = await listRuns(client, { states: ["parked", "failed"] }, {
      limit: 1,
      namespace,
    });
    return runs[0] ?? null;
  } catch (error) {
    if (!isLate(error)) throw error;
    return null;
  }
}
